! A client of hmserve in one file: Fortran 2008 with the C library of a POSIX system.
!
!     use hmserve
!     type(hmserve_client) :: client
!     type(hmserve_trial), allocatable :: trials(:)
!     integer :: k
!     call client%start('app.json', 'Seconds,Valid')
!     do
!         call client%ask(trials)
!         if (client%ended) exit
!         do k = 1, size(trials)
!             call client%tell(trials(k), [measure(trials(k)%integer('tile')), 1d0])
!         end do
!     end do
!     call client%finish()
!
! Each subroutine has an optional `stat`: 0, hmserve_refused for a row that hmserve does not take (ask-tell), or
! hmserve_failed; client%error has the reason. Without `stat` an error stops the program.
module hmserve
    use, intrinsic :: iso_c_binding
    use, intrinsic :: iso_fortran_env, only: real64
    use, intrinsic :: ieee_arithmetic, only: ieee_is_nan, ieee_value, ieee_quiet_nan
    implicit none
    private

    integer, parameter, public :: hmserve_refused = 1, hmserve_failed = 2

    ! One configuration: values by name. The fidelity, if the scenario has one, is a value too.
    type, public :: hmserve_trial
        character(:), allocatable :: header, row ! as they came
    contains
        procedure :: names => trial_names   ! how many values
        procedure :: name => trial_name     ! the name of the value at a place, from 1
        procedure :: text => trial_text     ! '' where a parameter is inactive, or there is none of this name
        procedure :: active => trial_active
        procedure :: real => trial_real     ! NaN where inactive
        procedure :: integer => trial_integer ! 0 where inactive
        procedure :: permutation => trial_permutation
    end type

    type, public :: hmserve_client
        logical :: ended = .false.          ! the run is over
        character(:), allocatable :: error  ! what went wrong last
        character(:), allocatable, private :: outputs, directory
        logical, private :: ask_tell = .false., begun = .false., left = .true.
        integer, private :: open = 0, status = 0
        type(c_ptr), private :: from, to
        type(hmserve_trial), allocatable, private :: best_block(:)
    contains
        procedure :: start, ask, tell, drop, best, finish
        procedure, private :: fail, death, garbage, leave, read_line, write_text, rows, aside, confirm
    end type

    interface
        type(c_ptr) function c_popen(command, mode) bind(c, name='popen')
            import
            character(kind=c_char), intent(in) :: command(*), mode(*)
        end function
        integer(c_int) function c_pclose(stream) bind(c, name='pclose')
            import
            type(c_ptr), value :: stream
        end function
        type(c_ptr) function c_fopen(path, mode) bind(c, name='fopen')
            import
            character(kind=c_char), intent(in) :: path(*), mode(*)
        end function
        integer(c_int) function c_fclose(stream) bind(c, name='fclose')
            import
            type(c_ptr), value :: stream
        end function
        type(c_ptr) function c_fgets(text, size, stream) bind(c, name='fgets')
            import
            character(kind=c_char), intent(inout) :: text(*)
            integer(c_int), value :: size
            type(c_ptr), value :: stream
        end function
        integer(c_int) function c_fputs(text, stream) bind(c, name='fputs')
            import
            character(kind=c_char), intent(in) :: text(*)
            type(c_ptr), value :: stream
        end function
        integer(c_int) function c_fflush(stream) bind(c, name='fflush')
            import
            type(c_ptr), value :: stream
        end function
        type(c_ptr) function c_mkdtemp(path) bind(c, name='mkdtemp')
            import
            character(kind=c_char), intent(inout) :: path(*)
        end function
        integer(c_int) function c_mkfifo(path, mode) bind(c, name='mkfifo')
            import
            character(kind=c_char), intent(in) :: path(*)
            integer(c_int), value :: mode
        end function
        integer(c_int) function c_remove(path) bind(c, name='remove')
            import
            character(kind=c_char), intent(in) :: path(*)
        end function
    end interface

contains

    ! Starts hmserve. outputs: the columns you answer, with commas (objectives, measured constraints, feasibility).
    ! program: its path, else the environment variable HMSERVE, else hmserve. arguments: more of them, as a shell
    ! reads them.
    subroutine start(self, scenario, outputs, ask_tell, program, arguments, stat)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: scenario, outputs
        logical, intent(in), optional :: ask_tell
        character(*), intent(in), optional :: program, arguments
        integer, intent(out), optional :: stat
        character(:), allocatable :: command, name
        integer :: made
        if (present(stat)) stat = 0
        name = variable('HMSERVE', 'hmserve')
        if (present(program)) name = program
        command = 'exec '//quote(name)//' --config '//quote(scenario)
        if (present(arguments)) command = command//' '//arguments
        if (present(ask_tell)) self%ask_tell = ask_tell
        if (self%ask_tell) command = command//' --protocol ask-tell'
        self%outputs = outputs
        allocate (self%best_block(0))
        self%directory = variable('TMPDIR', '/tmp')//'/hmserve-XXXXXX'//c_null_char
        made = -1
        if (c_associated(c_mkdtemp(self%directory))) then
            self%directory = self%directory(:len(self%directory) - 1)
            made = c_mkfifo(self%directory//'/wire'//c_null_char, int(o'600', c_int))
        end if
        if (made /= 0) then
            call self%fail('cannot make a named pipe in '//variable('TMPDIR', '/tmp'), stat)
            return
        end if
        command = command//' <'//quote(self%directory//'/wire')//' 2>'//quote(self%directory//'/messages')
        self%from = c_popen(command//c_null_char, 'r'//c_null_char)
        ! Open for both directions: neither waits for hmserve to listen, nor dies of SIGPIPE if it is gone.
        self%to = c_fopen(self%directory//'/wire'//c_null_char, 'r+'//c_null_char)
        self%left = .false.
    end subroutine

    ! Asks for trials; self%ended says that the run is over. Classic: all of the next request, when all of the last one
    ! are told. Ask-tell: at most count, and none until one that is out is told.
    subroutine ask(self, trials, count, stat)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        integer, intent(in), optional :: count
        integer, intent(out), optional :: stat
        character(:), allocatable :: line
        character(40) :: message
        integer :: wanted, failed
        if (present(stat)) stat = 0
        allocate (trials(0))
        if (self%ended) return
        wanted = 1
        if (present(count)) wanted = count
        write (message, '(a, i0)') 'Ask ', wanted
        self%begun = .false.
        failed = 0
        if (self%ask_tell) then
            call self%write_text(trim(message), failed)
        else if (self%open > 0) then
            call self%fail('trials of the last request have no result yet', failed)
        end if
        do while (failed == 0)
            call self%read_line(line, failed)
            if (failed /= 0) exit
            if (counted(line, 'Request ') >= 0) then
                self%open = counted(line, 'Request ')
                call self%rows(trials, self%open, failed)
                exit
            else if (line == 'End of HyperMapper') then
                self%ended = .true.
                if (.not. self%ask_tell) call self%finish(failed)
                exit
            else if (self%ask_tell .and. counted(line, 'Wait ') >= 0) then
                exit
            else if (.not. self%aside(line, failed)) then
                call self%garbage('a request', line, failed)
            end if
        end do
        if (failed /= 0) call self%fail(self%error, stat)
    end subroutine

    ! Tells a value for each output (feasibility: 0 or 1); no value at all, or NaN for an objective, says that the
    ! evaluation failed.
    subroutine tell(self, trial, values, stat)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), intent(in) :: trial
        real(real64), intent(in) :: values(:)
        integer, intent(out), optional :: stat
        character(:), allocatable :: header, row
        integer :: k, failed
        if (present(stat)) stat = 0
        header = trial%header//','//self%outputs
        row = trial%row
        do k = 1, fields(self%outputs)
            row = row//','
            if (k <= size(values)) row = row//number(values(k))
        end do
        if (self%ask_tell) then
            call self%confirm('Tell 1'//c_new_line//header//c_new_line//row, failed)
        else if (self%begun) then
            call self%write_text(row, failed)
        else
            call self%write_text(header//c_new_line//row, failed)
        end if
        self%begun = .true.
        self%open = self%open - 1
        if (failed /= 0) call self%fail(self%error, stat, failed)
    end subroutine

    ! Gives back a trial that was never evaluated (ask-tell).
    subroutine drop(self, trial, stat)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), intent(in) :: trial
        integer, intent(out), optional :: stat
        integer :: failed
        if (present(stat)) stat = 0
        call self%confirm('Drop 1'//c_new_line//'trial'//c_new_line//trial%text('trial'), failed)
        if (failed /= 0) call self%fail(self%error, stat, failed)
    end subroutine

    ! The best trials with their outputs. Classic: at the end, with "print_best": true.
    subroutine best(self, trials, stat)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        integer, intent(out), optional :: stat
        character(:), allocatable :: line
        integer :: failed
        if (present(stat)) stat = 0
        trials = self%best_block
        if (.not. self%ask_tell) return
        call self%write_text('Best', failed)
        if (failed == 0) call self%read_line(line, failed)
        if (failed == 0 .and. counted(line, 'Best ') < 0) call self%garbage('Best', line, failed)
        if (failed == 0) call self%rows(trials, counted(line, 'Best '), failed)
        if (failed /= 0) call self%fail(self%error, stat)
    end subroutine

    ! Ends the conversation; an error if the exit status of hmserve is not 0.
    subroutine finish(self, stat)
        class(hmserve_client), intent(inout) :: self
        integer, intent(out), optional :: stat
        if (present(stat)) stat = 0
        if (self%left) return
        call self%leave()
        if (self%status /= 0) call self%death(stat)
    end subroutine

    subroutine fail(self, text, stat, code)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: text
        integer, intent(out), optional :: stat
        integer, intent(in), optional :: code
        self%error = text
        if (.not. present(stat)) then
            write (*, '(a)') 'hmserve: '//text
            error stop 1
        end if
        stat = hmserve_failed
        if (present(code)) stat = code
    end subroutine

    ! Adds what hmserve wrote on its standard error, which is gone after this.
    subroutine death(self, stat)
        class(hmserve_client), intent(inout) :: self
        integer, intent(out), optional :: stat
        character(20) :: status
        call self%leave()
        write (status, '(i0)') self%status
        call self%fail('hmserve ended with exit status '//trim(status)//': '//self%error, stat)
    end subroutine

    subroutine garbage(self, expected, line, stat)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: expected, line
        integer, intent(out) :: stat
        call self%leave()
        call self%fail('expected '//expected//' from hmserve, came "'//line(:min(200, len(line)))//'"', stat)
    end subroutine

    ! Closes everything: sets self%status, 128 + the signal if there was one, and self%error to the messages.
    subroutine leave(self)
        class(hmserve_client), intent(inout) :: self
        character(1000) :: line
        integer :: unit, io
        if (self%left) return
        self%left = .true.
        io = c_fclose(self%to)
        self%status = c_pclose(self%from)
        self%status = merge(self%status/256, 128 + iand(self%status, 127), iand(self%status, 127) == 0)
        self%error = ''
        open (newunit=unit, file=self%directory//'/messages', action='read', iostat=io)
        do while (io == 0)
            read (unit, '(a)', iostat=io) line
            if (io == 0) self%error = self%error//trim(line)//c_new_line
        end do
        close (unit, iostat=io)
        io = c_remove(self%directory//'/messages'//c_null_char)
        io = c_remove(self%directory//'/wire'//c_null_char)
        io = c_remove(self%directory//c_null_char)
    end subroutine

    subroutine read_line(self, line, stat)
        class(hmserve_client), intent(inout) :: self
        character(:), allocatable, intent(out) :: line
        integer, intent(out) :: stat
        character(kind=c_char) :: piece(1000)
        integer :: k
        stat = 0
        line = ''
        do while (.not. self%left)
            if (.not. c_associated(c_fgets(piece, size(piece), self%from))) exit
            do k = 1, size(piece)
                if (piece(k) == c_new_line) return
                if (piece(k) == c_null_char) exit
                line = line//piece(k)
            end do
        end do
        call self%death(stat)
    end subroutine

    subroutine write_text(self, text, stat)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: text
        integer, intent(out) :: stat
        stat = 0
        if (.not. self%left) then
            if (c_fputs(text//c_new_line//c_null_char, self%to) >= 0 .and. c_fflush(self%to) == 0) return
        end if
        call self%death(stat)
    end subroutine

    subroutine rows(self, trials, count, stat)
        class(hmserve_client), intent(inout) :: self
        type(hmserve_trial), allocatable, intent(out) :: trials(:)
        integer, intent(in) :: count
        integer, intent(out) :: stat
        character(:), allocatable :: header
        integer :: k
        allocate (trials(count))
        call self%read_line(header, stat)
        do k = 1, count
            if (stat /= 0) return
            trials(k)%header = header
            call self%read_line(trials(k)%row, stat)
            if (stat /= 0) return
            if (fields(trials(k)%row) /= fields(header)) call self%garbage('other fields', trials(k)%row, stat)
        end do
    end subroutine

    ! Reads a block before the end; returns whether the line begins one.
    logical function aside(self, line, stat)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: line
        integer, intent(out) :: stat
        type(hmserve_trial), allocatable :: trials(:)
        stat = 0
        aside = .not. self%ask_tell
        if (self%ask_tell) return
        select case (line)
        case ('Best point found:')
            call self%rows(self%best_block, 1, stat)
        case ('Minimum of the posterior mean:')
            call self%rows(trials, 1, stat)
        case default
            aside = line == '' .or. line == 'Multiple objectives, there is no single best point.'
        end select
    end function

    subroutine confirm(self, message, stat)
        class(hmserve_client), intent(inout) :: self
        character(*), intent(in) :: message
        integer, intent(out) :: stat
        character(:), allocatable :: line
        integer :: taken, refused, k, io
        call self%write_text(message, stat)
        if (stat == 0) call self%read_line(line, stat)
        if (stat /= 0) return
        if (index(line, 'Error ') == 1) then
            call self%fail('hmserve refused the message: '//line, stat)
            return
        end if
        io = 1
        if (index(line, 'Ok ') == 1) read (line(4:), *, iostat=io) taken, refused
        if (io /= 0) then
            call self%garbage('Ok', line, stat)
            return
        end if
        do k = 1, refused
            call self%read_line(line, stat)
            if (stat /= 0) return
            self%error = line(7 + index(line(7:), ' '):)
        end do
        if (refused > 0) stat = hmserve_refused
    end subroutine

    integer function trial_names(self)
        class(hmserve_trial), intent(in) :: self
        trial_names = fields(self%header)
    end function

    function trial_name(self, place) result(name)
        class(hmserve_trial), intent(in) :: self
        integer, intent(in) :: place
        character(:), allocatable :: name
        name = field(self%header, place)
    end function

    function trial_text(self, name) result(text)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        character(:), allocatable :: text
        integer :: k
        text = ''
        do k = 1, fields(self%header)
            if (field(self%header, k) == name) text = field(self%row, k)
        end do
    end function

    logical function trial_active(self, name)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        trial_active = self%text(name) /= ''
    end function

    real(real64) function trial_real(self, name) result(value)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer :: io
        character(:), allocatable :: text
        text = self%text(name)
        io = 1
        if (text /= '') read (text, *, iostat=io) value
        if (io /= 0) value = ieee_value(value, ieee_quiet_nan)
    end function

    integer function trial_integer(self, name) result(value)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer :: io
        character(:), allocatable :: text
        text = self%text(name)
        io = 1
        if (text /= '') read (text, *, iostat=io) value
        if (io /= 0) value = 0
    end function

    function trial_permutation(self, name) result(order)
        class(hmserve_trial), intent(in) :: self
        character(*), intent(in) :: name
        integer, allocatable :: order(:)
        character(:), allocatable :: text
        integer :: k
        text = self%text(name)
        text = text(2:len(text) - 1)
        allocate (order(merge(0, fields(text), text == '')))
        do k = 1, size(order)
            read (text(:), *) order(:k)
        end do
    end function

    ! The number of fields of a line; the commas of a permutation part none.
    integer function fields(line)
        character(*), intent(in) :: line
        character(:), allocatable :: cell
        fields = 0
        do
            cell = field(line, fields + 1)
            if (cell == c_null_char) exit
            fields = fields + 1
        end do
    end function

    ! A field of a line, from 1; a null character after the last.
    function field(line, place) result(cell)
        character(*), intent(in) :: line
        integer, intent(in) :: place
        character(:), allocatable :: cell
        integer :: k, from, depth, at
        from = 1
        depth = 0
        at = 1
        do k = 1, len(line)
            if (line(k:k) == '(') depth = depth + 1
            if (line(k:k) == ')') depth = depth - 1
            if (line(k:k) /= ',' .or. depth > 0) cycle
            if (at == place) exit
            at = at + 1
            from = k + 1
        end do
        cell = c_null_char
        if (at == place) cell = line(from:k - 1)
    end function

    function number(value) result(text)
        real(real64), intent(in) :: value
        character(:), allocatable :: text
        character(40) :: buffer
        if (ieee_is_nan(value)) then
            buffer = 'nan'
        else if (abs(value) < 1d9 .and. value == anint(value)) then
            write (buffer, '(i0)') nint(value) ! 0 and 1 are what feasibility takes
        else
            write (buffer, '(es25.16e3)') value
        end if
        text = trim(adjustl(buffer))
    end function

    integer function counted(line, word)
        character(*), intent(in) :: line, word
        integer :: io
        counted = -1
        if (index(line, word) /= 1 .or. len(line) == len(word)) return
        if (verify(line(len(word) + 1:), '0123456789') /= 0) return
        read (line(len(word) + 1:), *, iostat=io) counted
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
        integer :: length
        call get_environment_variable(name, length=length)
        text = repeat(' ', length)
        if (length > 0) call get_environment_variable(name, text)
        if (length == 0) text = other
    end function
end module
