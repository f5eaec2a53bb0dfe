/** Training recipes around the kernels of {@link org.plait}, in pure Java. */
module org.plait.recipe {
  requires transitive org.plait;
  requires static transitive org.jspecify;

  exports org.plait.recipe;
}
