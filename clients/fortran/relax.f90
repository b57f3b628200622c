! Poisson's equation on 48 by 48 points by over-relaxation, until the residual is a 10^6th of what it was. The work
! is counted in updates of a point, in thousands; a residual costs half as much, a sweep of the coarse grid a quarter.
module relax
    use, intrinsic :: iso_fortran_env, only: real64
    use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan
    implicit none
    integer, parameter, private :: n = 48
contains

    ! order: 'rows', or 'redblack'. coarse: sweeps of a grid of half as many points, for the start. check: sweeps
    ! between residuals. NaN if it does not converge.
    real(real64) function work(omega, order, coarse, check)
        real(real64), intent(in) :: omega
        character(*), intent(in) :: order
        integer, intent(in) :: coarse, check
        real(real64) :: u(0:n + 1, 0:n + 1), half(0:n/2 + 1, 0:n/2 + 1), before
        integer :: k
        u = 0
        half = 0
        work = 0
        before = residual(u)
        do k = 1, coarse
            call sweep(half, n/2, omega, order)
            work = work + n*n/4d3
        end do
        if (coarse > 0) u(1:n, 1:n) = half((/((k + 1)/2, k=1, n)/), (/((k + 1)/2, k=1, n)/))
        do k = 1, 6000
            call sweep(u, n, omega, order)
            work = work + n*n/1d3
            if (mod(k, check) /= 0) cycle
            work = work + n*n/2d3
            if (residual(u) < 1d-6*before) return
            if (.not. residual(u) < 1d6*before) exit
        end do
        work = ieee_value(work, ieee_quiet_nan)
    end function

    subroutine sweep(u, m, omega, order)
        integer, intent(in) :: m
        real(real64), intent(inout) :: u(0:m + 1, 0:m + 1)
        real(real64), intent(in) :: omega
        character(*), intent(in) :: order
        integer :: i, j, color, colors
        colors = merge(2, 1, order == 'redblack')
        do color = 1, colors
            do j = 1, m
                do i = merge(1 + mod(j + color, 2), 1, colors == 2), m, colors
                    u(i, j) = u(i, j) + omega*((u(i - 1, j) + u(i + 1, j) + u(i, j - 1) + u(i, j + 1) + source(m))/4 - u(i, j))
                end do
            end do
        end do
    end subroutine

    pure real(real64) function source(m)
        integer, intent(in) :: m
        source = 1d0/(m + 1)**2
    end function

    real(real64) function residual(u)
        real(real64), intent(in) :: u(0:n + 1, 0:n + 1)
        residual = maxval(abs(u(0:n - 1, 1:n) + u(2:n + 1, 1:n) + u(1:n, 0:n - 1) + u(1:n, 2:n + 1) &
                              - 4*u(1:n, 1:n) + source(n)))
    end function
end module
