! A client of hmserve in one file: Fortran 2008 on a system with a POSIX shell. README.md shows the loop.
! An error stops the program, but not if client%fatal is .false.: then every later call does nothing, client%stat is
! hmserve_failed, and client%error says why. client%stat is hmserve_refused after a row that hmserve did not take
! (ask-tell), until the next call.
module hmserve
    use, intrinsic :: iso_fortran_env, only: error_unit, int64, real64
    use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan
    implicit none
    private
    integer, parameter, public :: hmserve_refused = 1, hmserve_failed = 2
    character(*), parameter :: newline = new_line('a'), over = 'hmserve ended: '
    type, public :: hmserve_text
        character(:), allocatable :: text
    end type
    ! One configuration: values by name. The fidelity, if the scenario has one, is a value too.
    type, public :: hmserve_trial
        type(hmserve_text), allocatable :: names(:), values(:) ! as hmserve wrote them
    contains
        procedure :: text => trial_text     ! '' where a parameter is inactive, or there is none of this name
        procedure :: real => trial_real     ! NaN where inactive
        procedure :: integer => trial_integer ! 0 where inactive
        procedure :: permutation => trial_permutation
    end type
    type, public :: hmserve_client
        logical :: ended = .false.          ! the run is over
        logical :: fatal = .true.           ! an error stops the program
        integer :: stat = 0                 ! 0, hmserve_refused, hmserve_failed
        character(:), allocatable :: error  ! what went wrong last
        character(:), allocatable, private :: outputs, line, said, status
        logical, private :: ask_tell = .false., begun = .false., left = .true.
        integer, private :: open = 0, from, to
        type(hmserve_trial), allocatable, private :: best_block(:)
    contains
        procedure :: start, ask, tell, drop, report, run_status, stop, best, finish
        procedure, private :: fail, leave, death, garbage, next_line, write_text, say, confirm, rows
    end type

contains
    ! Starts hmserve: $HMSERVE, or hmserve. outputs: the columns you answer, with commas (objectives, measured constraints,
    ! feasibility, and the fidelity if you tell how far an evaluation went). arguments: more of its own, as a shell reads them.
    subroutine start(self, scenario, outputs, ask_tell, arguments)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: scenario, outputs
        logical, intent(in), optional :: ask_tell
        character(*), intent(in), optional :: arguments
        character(:), allocatable :: command, directory, place
        character(20) :: clock
        integer(int64) :: count
        integer :: made
        command = quote(variable('HMSERVE', 'hmserve'))//' --config '//quote(scenario)
        if (present(arguments)) command = command//' '//arguments
        if (present(ask_tell)) self%ask_tell = ask_tell
        if (self%ask_tell) command = command//' --protocol ask-tell'
        self%outputs = outputs
        self%line = ''
        self%said = ''
        allocate (self%best_block(0))
        self%status = '0'
        call system_clock(count)
        write (clock, '(i0)') count
        directory = variable('TMPDIR', '/tmp')//'/hmserve-'//trim(clock)
        place = quote(directory)
        call execute_command_line('mkdir -m 700 '//place//' && mkfifo '//place//'/in '//place//'/out', exitstat=made)
        if (made /= 0) call self%fail('cannot make named pipes in '//directory)
        if (made /= 0) return
        ! The shell tells how hmserve ended and what it said, reads what we write to a hmserve that is gone, and cleans up.
        call execute_command_line("(trap '' PIPE; exec 3<"//place//'/in; '//command//' <&3 3<&- 2>'//place//"/said; echo '"// &
            over//"'$?; cat "//place//'/said; cat <&3 >>'//place//'/said; rm -r '//place//') >'//place//'/out &')
        ! Open for both directions: waits for nobody to listen.
        open (newunit=self%to, file=directory//'/in', access='stream', form='formatted', action='readwrite')
        open (newunit=self%from, file=directory//'/out', access='stream', form='formatted', action='read')
        self%left = .false.
    end subroutine

    ! Asks for trials; self%ended says that the run is over. Classic: all of the next request, when all of the last one
    ! are told. Ask-tell: at most count, and none until one that is out is told.
    subroutine ask(self, trials, count)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        integer, intent(in), optional :: count
        type(hmserve_trial), allocatable :: ignored(:)
        character(20) :: number
        allocate (trials(0))
        self%begun = .false.
        number = '1'
        if (present(count)) write (number, '(i0)') count
        if (self%ask_tell .and. .not. self%ended) call self%write_text('Ask '//trim(number))
        if (.not. self%ask_tell .and. self%open > 0) call self%fail('trials of the last request have no result yet')
        do while (self%stat == 0 .and. .not. self%ended)
            call self%next_line()
            if (counted(self%line, 'Request ') >= 0) then
                self%open = counted(self%line, 'Request ')
                call self%rows(trials, self%open)
                exit
            else if (self%line == 'End of HyperMapper') then
                self%ended = .true.
                if (.not. self%ask_tell) call self%finish()
            else if (self%ask_tell .and. counted(self%line, 'Wait ') >= 0) then
                exit
            else if (self%line == 'Best point found:') then
                call self%rows(self%best_block, 1)
            else if (self%line == 'Minimum of the posterior mean:') then
                call self%rows(ignored, 1)
            else if (self%line /= '' .and. self%line /= 'Multiple objectives, there is no single best point.') then
                call self%garbage('a request')
            end if
        end do
    end subroutine

    ! Tells a value for each output (feasibility: 0 or 1); no value at all, or NaN for an objective, says that the
    ! evaluation failed.
    subroutine tell(self, trial, values)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), intent(in) :: trial
        real(real64), intent(in) :: values(:)
        character(:), allocatable :: header, row
        integer :: k
        if (all(size(values) /= [0, size(cut(self%outputs))])) call self%fail('expected a value for each output, or none')
        header = ''
        row = ''
        do k = 1, size(trial%names)
            if (index(','//self%outputs//',', ','//trial%names(k)%text//',') > 0) cycle
            header = header//trial%names(k)%text//','
            row = row//trial%values(k)%text//','
        end do
        do k = 1, size(cut(self%outputs))
            if (k > 1) row = row//','
            if (k <= size(values)) row = row//trim(number(values(k)))
        end do
        if (.not. self%begun) row = header//self%outputs//newline//row
        self%begun = .not. self%ask_tell
        if (self%begun) call self%write_text(row)
        if (self%ask_tell) call self%confirm('Tell 1'//newline//row)
        self%open = self%open - 1
    end subroutine

    ! Gives back a trial that was never evaluated (ask-tell).
    subroutine drop(self, trial)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), intent(in) :: trial
        call self%confirm('Drop 1'//newline//'trial'//newline//trial%text('trial'))
    end subroutine

    ! Says how a trial stands (ask-tell); .false.: end the evaluation, and tell it with the fidelity it has reached.
    logical function report(self, trial, fidelity, objective)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), intent(in) :: trial
        real(real64), intent(in) :: fidelity, objective
        call self%say('Report '//trial%text('trial')//','//trim(number(fidelity))//','//trim(number(objective)))
        report = self%line == 'Continue'
        if (.not. report .and. self%line /= 'Stop') call self%garbage('Continue or Stop')
    end function

    ! How the run stands (ask-tell), as JSON.
    subroutine run_status(self, json)
        class(hmserve_client), intent(inout) :: self
        character(:), allocatable, intent(out) :: json
        call self%say('Status')
        if (index(self%line, 'Status ') /= 1) call self%garbage('Status')
        json = self%line(8:)
    end subroutine

    ! Has no more trials handed out (ask-tell).
    subroutine stop(self)
        class(hmserve_client), intent(inout) :: self
        call self%confirm('Stop')
    end subroutine

    ! The best trials with their outputs. Classic: at the end, with "print_best": true.
    subroutine best(self, trials)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        trials = self%best_block
        if (.not. self%ask_tell) return
        call self%say('Best')
        if (counted(self%line, 'Best ') < 0) call self%garbage('Best')
        call self%rows(trials, max(0, counted(self%line, 'Best ')))
    end subroutine

    ! Ends the conversation; an error if the exit status of hmserve is not 0.
    subroutine finish(self)
        class(hmserve_client), intent(inout) :: self
        call self%leave()
        if (self%status /= '0') call self%death()
    end subroutine

    subroutine fail(self, text)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: text
        if (self%stat == hmserve_failed) return
        self%stat = hmserve_failed
        self%error = text
        if (.not. self%fatal) return
        write (error_unit, '(a)') 'hmserve: '//text
        error stop 1
    end subroutine

    ! Closes everything. What hmserve said on standard error is passed on if it ended well, or kept for the error.
    subroutine leave(self)
        class(hmserve_client), intent(inout) :: self
        integer :: io
        if (self%left) return
        self%left = .true.
        close (self%to)
        self%status = 'unknown'
        io = 0
        do while (io == 0 .and. index(self%line, over) /= 1)
            call read_line(self%from, self%line, io)
        end do
        if (io == 0) self%status = self%line(len(over) + 1:)
        do while (io == 0)
            call read_line(self%from, self%line, io)
            if (io == 0) self%said = self%said//self%line//newline
        end do
        close (self%from)
        if (self%status == '0') write (error_unit, '(a)', advance='no') self%said
    end subroutine

    subroutine death(self)
        class(hmserve_client), intent(inout) :: self
        call self%leave()
        call self%fail('hmserve ended with exit status '//self%status//': '//self%said)
    end subroutine

    subroutine garbage(self, expected)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: expected
        call self%fail('expected '//expected//' from hmserve, came "'//self%line(:min(200, len(self%line)))//'"')
        call self%leave()
    end subroutine

    subroutine next_line(self)
        class(hmserve_client), intent(inout) :: self
        integer :: io
        if (self%stat == hmserve_failed) return
        io = -1
        if (.not. self%left) call read_line(self%from, self%line, io)
        if (io /= 0 .or. index(self%line, over) == 1) call self%death()
    end subroutine

    subroutine write_text(self, text)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: text
        if (self%stat == hmserve_refused) self%stat = 0
        if (self%left) call self%death()
        if (self%stat == hmserve_failed) return
        write (self%to, '(a)') text
        flush (self%to)
    end subroutine

    subroutine say(self, message)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: message
        call self%write_text(message)
        call self%next_line()
        if (index(self%line, 'Error ') == 1) call self%fail('hmserve refused the message: '//self%line)
    end subroutine

    subroutine confirm(self, message)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: message
        call self%say(message)
        if (index(self%line, 'Ok ') /= 1) call self%garbage('Ok')
        if (self%stat /= 0) return
        if (self%line(len(self%line):) == '0') return
        call self%next_line()
        self%stat = max(self%stat, hmserve_refused)
        if (self%stat == hmserve_refused) self%error = self%line(len('Error 1 ') + 1:)
    end subroutine

    subroutine rows(self, trials, count)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        integer, intent(in) :: count
        type(hmserve_text), allocatable :: names(:)
        integer :: k
        allocate (trials(count))
        call self%next_line()
        names = cut(self%line)
        do k = 1, count
            call self%next_line()
            trials(k) = hmserve_trial(names, cut(self%line))
            if (size(trials(k)%values) /= size(names)) call self%garbage('as many values as names')
        end do
    end subroutine

    subroutine read_line(unit, line, io)
        integer, intent(in) :: unit
        character(:), allocatable, intent(out) :: line
        integer, intent(out) :: io
        character(4096) :: piece
        integer :: length
        line = ''
        io = 0
        do while (io == 0)
            read (unit, '(a)', advance='no', size=length, iostat=io) piece
            line = line//piece(:length)
        end do
        if (is_iostat_eor(io)) io = 0
        if (scan(line, achar(13), back=.true.) == len(line) .and. len(line) > 0) line = line(:len(line) - 1)
    end subroutine

    function trial_text(self, name) result(text)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        character(:), allocatable :: text
        integer :: k
        text = ''
        do k = 1, size(self%names)
            if (self%names(k)%text == name) text = self%values(k)%text
        end do
    end function

    real(real64) function trial_real(self, name) result(value)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer :: io
        character(30) :: text
        text = self%text(name)
        read (text, *, iostat=io) value
        if (io /= 0) value = ieee_value(value, ieee_quiet_nan)
    end function

    integer function trial_integer(self, name) result(value)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer :: io
        character(30) :: text
        text = self%text(name)
        read (text, *, iostat=io) value
        if (io /= 0) value = 0
    end function

    function trial_permutation(self, name) result(order)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer, allocatable :: order(:)
        character(:), allocatable :: text
        text = self%text(name)
        text = text(2:len(text) - 1)
        if (index(text, ',', back=.true.) == len(text)) text = text(:len(text) - 1)
        allocate (order(merge(0, size(cut(text)), text == '')))
        read (text, *) order
    end function

    ! Cuts a line at its commas, but not at those of a permutation.
    function cut(line) result(cells)
        character(*), intent(in) :: line
        type(hmserve_text), allocatable :: cells(:)
        character(:), allocatable :: text
        integer :: from, inside, comma
        text = line//','
        allocate (cells(0))
        from = 1
        do while (from <= len(text))
            inside = 0
            if (text(from:from) == '(') inside = verify(text(from + 1:), '0123456789, ')
            if (text(from + inside:from + inside) /= ')') inside = 0
            comma = from + inside + index(text(from + inside:), ',') - 1
            cells = [cells, hmserve_text(text(from:comma - 1))]
            from = comma + 1
        end do
    end function

    character(25) function number(value)
        real(real64), intent(in) :: value
        write (number, '(es25.16e3)') value
        number = adjustl(number)
    end function

    integer function counted(line, word)
        character(*), intent(in) :: line, word
        integer :: io
        counted = -1
        io = 0
        if (index(line, word) == 1) read (line(len(word) + 1:), *, iostat=io) counted
        if (io /= 0) counted = -1
    end function

    function quote(text) result(quoted)
        character(*), intent(in) :: text
        character(:), allocatable :: quoted
        integer :: k
        quoted = "'"
        do k = 1, len(text)
            quoted = quoted//text(k:k)
            if (text(k:k) == "'") quoted = quoted//"\''"
        end do
        quoted = quoted//"'"
    end function

    function variable(name, other) result(text)
        character(*), intent(in) :: name, other
        character(:), allocatable :: text
        character(4096) :: buffer
        call get_environment_variable(name, buffer)
        text = trim(buffer)
        if (text == '') text = other
    end function
end module
