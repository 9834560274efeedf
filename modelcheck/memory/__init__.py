"""Memory models, each a function Program -> Program: no engine knows of one."""
