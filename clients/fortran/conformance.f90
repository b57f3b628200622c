! The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
program conformance
    use hmserve
    use, intrinsic :: iso_fortran_env, only: real64, error_unit
    implicit none
    type(hmserve_client) :: client
    type(hmserve_trial), allocatable :: trials(:), held
    character(:), allocatable :: outputs
    integer :: k, j
    logical :: ask_tell

    outputs = argument(3)
    ask_tell = argument(2) == 'ask-tell'
    client%fatal = .false.
    call client%start(argument(1), outputs, ask_tell)
    call check()
    do
        call client%ask(trials, 2)
        call check()
        if (client%ended) exit
        do k = 1, size(trials)
            if (allocated(held)) call tell()
            held = trials(k)
        end do
        if (allocated(held) .and. (size(trials) == 0 .or. .not. ask_tell)) call tell()
    end do
    call client%best(trials)
    call check()
    do k = 1, size(trials)
        do j = 1, size(trials(k)%names)
            print '(a)', 'best '//trials(k)%names(j)%text//'='//trials(k)%values(j)%text
        end do
    end do
    call client%finish()
    call check()
    print '(a)', 'end'

contains

    subroutine check()
        if (client%stat == 0) return
        write (error_unit, '(a)') 'conformance: '//client%error
        stop 1
    end subroutine

    subroutine tell()
        real(real64) :: epochs, so_far(2)
        character(:), allocatable :: json
        epochs = held%real('epochs')
        if (ask_tell .and. held%text('c') == 'lost') then
            call client%drop(held)
            call check()
            deallocate (held)
            return
        end if
        if (ask_tell .and. index(outputs, 'epochs') > 0 .and. epochs > 1) then
            so_far = black_box(held, 1d0)
            if (.not. client%report(held, 1d0, so_far(1))) epochs = 1
            call check()
        end if
        call client%tell(held, black_box(held, epochs))
        if (client%stat == hmserve_refused) then
            print '(a)', 'refused '//client%error
        else
            call check()
        end if
        if (held%text('c') == 'stops') then
            call client%stop()
            call check()
            call client%run_status(json)
            call check()
            print '(a)', 'status '//json
        end if
        deallocate (held)
    end subroutine

    function black_box(trial, epochs) result(answer)
        type(hmserve_trial), intent(in) :: trial
        real(real64), intent(in) :: epochs
        real(real64), allocatable :: answer(:)
        real(real64) :: value, x
        integer :: place
        integer, allocatable :: order(:)
        allocate (answer(0))
        if (trial%text('c') == 'fails') return
        x = trial%real('x')
        value = x*x + trial%integer('n')
        if (trial%text('m') /= '') value = value + trial%real('m')
        if (trial%text('epochs') /= '') value = value + 1/epochs
        if (trial%text('p') /= '') then
            order = trial%permutation('p')
            value = value + sum([(place*order(place), place=1, size(order))])
        end if
        answer = [value]
        if (index(outputs, 'Cost') > 0) answer = [answer, 1 - x]
        if (index(outputs, 'Valid') > 0) answer = [answer, merge(0d0, 1d0, trial%text('c') == 'infeasible')]
        if (index(outputs, 'epochs') > 0) answer = [answer, epochs]
    end function

    function argument(place) result(text)
        integer, intent(in) :: place
        character(:), allocatable :: text
        integer :: length
        call get_command_argument(place, length=length)
        text = repeat(' ', length)
        call get_command_argument(place, text)
    end function
end program
