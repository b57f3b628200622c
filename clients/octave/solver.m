function [calls, valid] = solver(tolerance, first, safety, growth)
    % Follows van der Pol's oscillator (mu = 2) to t = 8 by Bogacki and Shampine's pair of order 3(2), with steps
    % chosen by its error. Returns the calls of the right-hand side, and whether the end is right to 1e-3.
    f = @(y) [y(2); 2 * (1 - y(1) ^ 2) * y(2) - y(1)];
    y = [2; 0];
    t = 0;
    h = 10 ^ first;
    k1 = f(y);
    calls = 1;
    while t < 8 && calls < 3000
        h = min(h, 8 - t);
        k2 = f(y + h * k1 / 2);
        k3 = f(y + h * 3 * k2 / 4);
        next = y + h * (2 * k1 + 3 * k2 + 4 * k3) / 9;
        k4 = f(next);
        calls = calls + 3;
        wrong = norm(h * (-5 * k1 / 72 + k2 / 12 + k3 / 9 - k4 / 8)) / 10 ^ tolerance;
        if wrong <= 1
            t = t + h;
            y = next;
            k1 = k4;
        end
        h = h * min(growth, max(0.2, safety * wrong ^ (-1 / 3)));
    end
    valid = t >= 8 && norm(y - [1.9276169746; -0.3156533477]) < 1e-3;
end
