! Which relaxation solves Poisson's equation with the least work? Some do not converge: their work is NaN.
program example
    use hmserve
    use relax
    implicit none
    type(hmserve_client) :: client
    type(hmserve_trial), allocatable :: trials(:)
    integer :: k

    call client%start('relax.json', 'Work')
    do
        call client%ask(trials)
        if (client%ended) exit
        do k = 1, size(trials)
            associate (t => trials(k))
                call client%tell(t, [work(t%real('omega'), t%text('order'), t%integer('coarse'), t%integer('check'))])
            end associate
        end do
    end do
    call client%best(trials)
    do k = 1, size(trials(1)%names)
        print '(3a)', trials(1)%names(k)%text, ' = ', trials(1)%values(k)%text
    end do
    call client%finish()
end program
