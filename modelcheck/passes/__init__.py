"""Program -> Program: each file is one pass, with the sentence that says what it preserves."""
