#!/bin/sh
#SBATCH --job-name=ackley
#SBATCH --ntasks=10
#SBATCH --cpus-per-task=1
#SBATCH --time=00:10:00
#SBATCH --signal=TERM@30
# Begins the run, or goes on with it: submit it again after a limit or a failure.
export OMP_NUM_THREADS=1
exec srun --kill-on-bad-exit=1 hmserve run ackley.json --mpi --resume
