"""What the pods of a task need: memory and CPUs, by what past runs used."""
