! The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
program conformance
    use hmserve
    use, intrinsic :: iso_fortran_env, only: real64, error_unit
    implicit none
    type(hmserve_client) :: client
    type(hmserve_trial), allocatable :: trials(:), held
    character(:), allocatable :: outputs
    integer :: stat, k, j
    logical :: ask_tell

    outputs = argument(3)
    ask_tell = argument(2) == 'ask-tell'
    call client%start(argument(1), outputs, ask_tell, stat=stat)
    call check()
    do
        call client%ask(trials, 2, stat)
        call check()
        if (client%ended) exit
        do k = 1, size(trials)
            if (allocated(held)) call tell()
            held = trials(k)
        end do
        if (allocated(held) .and. (size(trials) == 0 .or. .not. ask_tell)) call tell()
    end do
    call client%best(trials, stat)
    call check()
    do k = 1, size(trials)
        do j = 1, trials(k)%names()
            print '(a)', 'best '//trials(k)%name(j)//'='//trials(k)%text(trials(k)%name(j))
        end do
    end do
    call client%finish(stat)
    call check()
    print '(a)', 'end'

contains

    subroutine check()
        if (stat == 0) return
        write (error_unit, '(a)') 'conformance: '//client%error
        stop 1
    end subroutine

    subroutine tell()
        call client%tell(held, black_box(held), stat)
        if (stat == hmserve_refused) then
            print '(a)', 'refused '//client%error
        else
            call check()
        end if
        deallocate (held)
    end subroutine

    function black_box(trial) result(answer)
        type(hmserve_trial), intent(in) :: trial
        real(real64), allocatable :: answer(:)
        real(real64) :: value, x
        integer :: place
        integer, allocatable :: order(:)
        allocate (answer(0))
        if (trial%text('c') == 'fails') return
        x = trial%real('x')
        value = x*x + trial%integer('n')
        if (trial%active('m')) value = value + trial%real('m')
        if (trial%active('epochs')) value = value + 1/trial%real('epochs')
        if (trial%active('p')) then
            order = trial%permutation('p')
            value = value + sum([(place*order(place), place=1, size(order))])
        end if
        answer = [value]
        if (index(outputs, 'Cost') > 0) answer = [answer, 1 - x]
        if (index(outputs, 'Valid') > 0) answer = [answer, merge(0d0, 1d0, trial%text('c') == 'infeasible')]
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
