package org.plait.lab.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.plait.lab.util.AtomicFile;

/**
 * The safetensors format: eight bytes of header length, a JSON header, raw little-endian tensors.
 * Python reads such a file with {@code safetensors.torch.load_file}. A checksum of the header and
 * the tensors travels in the metadata, so that a damaged file is refused and not trained on.
 *
 * @param metadata free text by key
 * @param tensors float32 tensors by name, in the order of the file
 */
public record SafeTensors(Map<String, String> metadata, Map<String, Entry> tensors) {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String METADATA = "__metadata__";
  private static final String CHECKSUM = "checksum";
  private static final int MAX_HEADER = 1 << 24;
  private static final String FOREIGN = "it is not a safetensors file";

  /** One tensor: a shape and its values, row by row. */
  @SuppressWarnings("ArrayRecordComponent") // plain data, never compared
  public record Entry(List<Long> shape, float[] values) {}

  /** Replaces a file by these tensors in one step; see {@link AtomicFile}. */
  public void write(Path file) throws IOException {
    long values = tensors.values().stream().mapToLong(entry -> entry.values().length).sum();
    ByteBuffer data = allocate(Math.toIntExact(values * Float.BYTES));
    ObjectNode header = JSON.createObjectNode();
    ObjectNode texts = header.putObject(METADATA);
    metadata.forEach(texts::put);
    tensors.forEach(
        (name, entry) -> {
          ObjectNode described = header.putObject(name).put("dtype", "F32");
          ArrayNode shape = described.putArray("shape");
          entry.shape().forEach(shape::add);
          ArrayNode offsets = described.putArray("data_offsets").add(data.position());
          data.asFloatBuffer().put(entry.values());
          data.position(data.position() + entry.values().length * Float.BYTES);
          offsets.add(data.position());
        });
    texts.put(CHECKSUM, checksum(header, data.flip()));
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    // Spaces align the tensors that follow.
    byte[] bytes = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
    Arrays.fill(bytes, text.length, bytes.length, (byte) ' ');
    ByteBuffer whole = allocate(Long.BYTES + bytes.length + data.remaining());
    AtomicFile.write(file, whole.putLong(bytes.length).put(bytes).put(data).flip());
  }

  /** Reads a file; an {@link IOException} says what is wrong with it. */
  public static SafeTensors read(Path file) throws IOException {
    ByteBuffer whole = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    long headerLength = whole.remaining() < Long.BYTES ? -1 : whole.getLong();
    if (headerLength < 2 || headerLength > Math.min(MAX_HEADER, whole.remaining())) {
      throw new IOException(FOREIGN);
    }
    byte[] header = new byte[(int) headerLength];
    whole.get(header);
    JsonNode described;
    try {
      described = JSON.readTree(header);
    } catch (IOException e) {
      throw new IOException(FOREIGN, e);
    }
    if (described instanceof ObjectNode object) {
      return parse(object, whole.slice().order(ByteOrder.LITTLE_ENDIAN));
    }
    throw new IOException(FOREIGN);
  }

  private static SafeTensors parse(ObjectNode header, ByteBuffer data) throws IOException {
    if (!(header.path(METADATA) instanceof ObjectNode texts)
        || !(texts.remove(CHECKSUM) instanceof TextNode expected)) {
      throw new IOException("it has no checksum");
    }
    // The header without the checksum is the text that it was computed from.
    if (!expected.textValue().equals(checksum(header, data))) {
      throw new IOException("it is damaged: its checksum does not match");
    }
    header.remove(METADATA);
    Map<String, String> metadata = new LinkedHashMap<>();
    texts.properties().forEach(text -> metadata.put(text.getKey(), text.getValue().asText()));
    Map<String, Entry> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : header.properties()) {
      tensors.put(field.getKey(), entry(field.getValue(), data));
    }
    return new SafeTensors(metadata, tensors);
  }

  private static Entry entry(JsonNode described, ByteBuffer data) throws IOException {
    if (!described.path("dtype").asText().equals("F32")) {
      throw new IOException("it holds other types than F32");
    }
    int begin = described.path("data_offsets").path(0).intValue();
    int end = described.path("data_offsets").path(1).intValue();
    float[] values = new float[(end - begin) / Float.BYTES];
    data.slice(begin, end - begin).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    List<Long> shape =
        JSON.convertValue(
            described.path("shape"),
            JSON.getTypeFactory().constructCollectionType(List.class, Long.class));
    return new Entry(shape, values);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String checksum(ObjectNode header, ByteBuffer data) {
    CRC32 crc = new CRC32();
    crc.update(header.toString().getBytes(StandardCharsets.UTF_8));
    crc.update(data.duplicate());
    return Long.toHexString(crc.getValue());
  }
}
