/** What is changed in a peer as it is loaded. */
export interface PeerChange {
  /** A built file under packages/, and what is put in place of text that it has once. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A reference peer that breaks one sentence of docs/protocol.md, and the cases that must see it. */
export interface BrokenPeer extends PeerChange {
  /** The clause of the sentence. */
  readonly clause: string
  /** Words of the sentence, as the page has them at that clause. */
  readonly words: string
  /** Ids of cases that must fail. */
  readonly cases: readonly string[]
  /** It refuses what must be accepted, perhaps the control, too. */
  readonly refuses?: true
  /** Whether these cases wait for half a minute or more. */
  readonly slow?: true
}

/** A reference peer that does something else, which the page allows: all its cases still pass. */
export interface LegalVariant extends PeerChange {
  /** What it does. */
  readonly what: string
}
