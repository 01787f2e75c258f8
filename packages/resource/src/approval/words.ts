/** An operation in words for users. */
export interface DescribedOperation {
  /** What it does. */
  readonly description: string
  /** It is far-reaching: an auth server verifies the user anew before it takes an approval. Default false. */
  readonly grave?: boolean
}

/** A part of the answers of a resource that a user may allow. */
export interface DescribedDataView {
  readonly description: string
  /** JSON pointers (RFC 6901), in which `*` stands for every member or element. */
  readonly fields: readonly string[]
}

/**
 * The words of a resource that conditions use. Their names are characters of a scope token, at most 128.
 * @see protocol §9.1
 */
export interface ResourceWords {
  /** What callers may use it for: purpose → what it means, in words for users. */
  readonly purposes?: Readonly<Record<string, string>>
  /** What requests do: operation → what it does, in words for users. Routes name theirs; tools of an MCP server are operations by their names. */
  readonly operations?: Readonly<Record<string, string | DescribedOperation>>
  /** Parts of its answers that a user may allow. */
  readonly dataViews?: Readonly<Record<string, DescribedDataView>>
}
