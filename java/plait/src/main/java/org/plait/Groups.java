package org.plait;

/**
 * Which rewards belong together: the responses to one prompt, say. Immutable and thread-safe.
 *
 * @see GroupAdvantage
 */
public sealed interface Groups {
  /**
   * Groups of rewards that are neighbours: group i is {@code offsets[i]} to {@code offsets[i + 1] -
   * 1}.
   *
   * @param offsets INT64 [groups + 1], from 0 to n and never decreasing, which the kernel checks
   * @return the groups
   * @throws IllegalArgumentException if the view has another type or shape
   */
  static Groups offsets(TensorView offsets) {
    return new Offsets(offsets);
  }

  /**
   * Groups of rewards in any order.
   *
   * @param ids INT64 [n], the group of each reward, in [0, count), which the kernel checks
   * @param count number of groups, at least 0
   * @return the groups
   * @throws IllegalArgumentException if the view has another type or shape, or the count is
   *     negative
   */
  static Groups ids(TensorView ids, long count) {
    return new Ids(ids, count);
  }

  /**
   * Returns the number of groups.
   *
   * @return the count; a group may be empty
   */
  long count();

  /**
   * Groups of neighbours. Immutable and thread-safe.
   *
   * @param offsets INT64 [groups + 1]
   */
  record Offsets(TensorView offsets) implements Groups {
    /**
     * Checks the argument.
     *
     * @throws IllegalArgumentException if the view has another type or shape
     */
    public Offsets {
      if (offsets == null
          || offsets.dtype() != DType.INT64
          || offsets.rank() != 1
          || offsets.size(0) < 1) {
        throw Checks.unexpected("offsets", "INT64 [groups + 1]", offsets);
      }
    }

    @Override
    public long count() {
      return offsets.size(0) - 1;
    }
  }

  /**
   * Groups in any order. Immutable and thread-safe.
   *
   * @param ids INT64 [n]
   * @param count number of groups
   */
  record Ids(TensorView ids, long count) implements Groups {
    /**
     * Checks the arguments.
     *
     * @throws IllegalArgumentException if the view has another type or shape, or the count is
     *     negative
     */
    public Ids {
      if (ids == null || ids.dtype() != DType.INT64 || ids.rank() != 1) {
        throw Checks.unexpected("ids", "INT64 [rewards]", ids);
      }
      if (count < 0) {
        throw new IllegalArgumentException("count: expected at least 0, got " + count);
      }
    }
  }
}
