"""What the report says, question by question: each module holds the sections of one chapter and draws its figures."""
