! hmserve run relax.json -- ./worker
program worker
    use relax
    implicit none
    character(200) :: line, order
    integer :: count, coarse, check, io
    real(real64) :: omega

    do
        read (*, '(a)', iostat=io) line
        if (io /= 0 .or. line(:7) /= 'Request') exit
        read (line(8:), *) count
        read (*, '(a)') line ! omega,order,coarse,check
        print '(2a)', trim(line), ',Work'
        do count = count, 1, -1
            read (*, '(a)') line
            read (line, *) omega, order, coarse, check
            print '(2a, es24.16e3)', trim(line), ',', work(omega, trim(order), coarse, check)
        end do
        flush (6)
    end do
end program
