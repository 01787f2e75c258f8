/** A text that a visitor may try in the paste box, and what it is judged by. */
export interface PasteExample {
  readonly title: string
  readonly text: string
  /** Unix seconds. */
  readonly time: number
  /** A JWK set, or nothing. */
  readonly keys: string
}

export function pasteExamples(): PasteExample[]
