/** Every sentence of docs/protocol.md that demands something which shows from outside. */
export const musts: ReadonlyArray<{ readonly clause: string; readonly sentence: string }>
/** Each broken peer, with its role and the sentences that its words stand in. */
export const broken: ReadonlyArray<{
  readonly role: string
  readonly clause: string
  readonly words: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly cases: readonly string[]
  readonly sentences: readonly string[]
}>
/** The first words of a sentence. */
export function firstWords(sentence: string, most?: number): string
/** The sentences without a broken peer, one a line. */
export const open: readonly string[]

/** Each place that needs no broken peer, and the sentences that its words stand in. */
export const none: ReadonlyArray<{
  readonly clause: string
  readonly words: string
  readonly why: string
  readonly sentences: readonly string[]
}>
