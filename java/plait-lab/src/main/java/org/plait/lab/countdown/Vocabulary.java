package org.plait.lab.countdown;

/**
 * The 59 symbols of the task: one token per number 0 to 49, then operators and punctuation. One
 * symbol per number spares a small model the digits.
 */
public final class Vocabulary {

  /** The largest value any number, intermediate result or target may take. */
  public static final int MAX_VALUE = 49;

  public static final int PLUS = 50;
  public static final int MINUS = 51;
  public static final int TIMES = 52;
  public static final int EQUALS = 53;

  /** Separates two steps of an answer. */
  public static final int THEN = 54;

  /** Stands between the numbers of a problem and its target. */
  public static final int ARROW = 55;

  /** Ends a prompt. */
  public static final int COLON = 56;

  /** Ends an answer. */
  public static final int EOS = 57;

  /** Fills what a sequence does not use. */
  public static final int PAD = 58;

  public static final int SIZE = 59;

  private static final String[] SYMBOLS = {"+", "-", "*", "=", ";", "->", ":", ".", "_"};

  private Vocabulary() {}

  /** The symbol of a token, such as {@code 12}, {@code +} or {@code ->}. */
  public static String symbol(int token) {
    if (token < 0 || token >= SIZE) {
      throw new IllegalArgumentException("token: expected 0 to " + (SIZE - 1) + ", got " + token);
    }
    return token <= MAX_VALUE ? Integer.toString(token) : SYMBOLS[token - PLUS];
  }

  /** Tokens as text, separated by spaces. */
  public static String text(int... tokens) {
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(text.length() == 0 ? "" : " ").append(symbol(token));
    }
    return text.toString();
  }

  /** The token of a symbol; -1 if there is no such symbol. */
  static int token(String symbol) {
    for (int token = 0; token < SIZE; token++) {
      if (symbol(token).equals(symbol)) {
        return token;
      }
    }
    return -1;
  }

  /** Whether a token stands for a number. */
  static boolean isValue(int token) {
    return token >= 0 && token <= MAX_VALUE;
  }
}
