package org.plait.lab.countdown;

/** The arithmetic of the task. There is no division. */
public enum Operator {
  ADD(Vocabulary.PLUS),
  SUBTRACT(Vocabulary.MINUS),
  MULTIPLY(Vocabulary.TIMES);

  private static final Operator[] VALUES = values();

  private final int token;

  Operator(int token) {
    this.token = token;
  }

  /** The token that stands for this operator. */
  public int token() {
    return token;
  }

  /** Whether the order of the operands does not matter. */
  public boolean commutes() {
    return this != SUBTRACT;
  }

  /** The value of {@code left op right}, which may lie outside the range of the task. */
  public int apply(int left, int right) {
    return switch (this) {
      case ADD -> left + right;
      case SUBTRACT -> left - right;
      case MULTIPLY -> left * right;
    };
  }

  static boolean isOperator(int token) {
    return token >= Vocabulary.PLUS && token <= Vocabulary.TIMES;
  }

  static Operator ofToken(int token) {
    return VALUES[token - Vocabulary.PLUS];
  }

  static Operator ofIndex(int index) {
    return VALUES[index];
  }
}
