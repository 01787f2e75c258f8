/** A built copy of the product that lacks one check, and who must see it. */
export interface Mutant {
  readonly id: string
  readonly file: string
  readonly requirements: readonly string[]
  readonly at: string
  readonly check: string
  readonly instead: string
  /** Cases of the suite that can see it, by the participant that they judge. */
  readonly cases: Readonly<Record<string, readonly string[]>>
  /** The implementation of each role in which they see it; none for the first of the role. */
  readonly on: Readonly<Record<string, string>>
  readonly tests: ReadonlyArray<{ readonly file: string; readonly title: string }>
}

/** All mutants but those that a review has found to change nothing. */
export function currentMutants(): Array<Omit<Mutant, 'cases' | 'on' | 'tests'>>
/** The list that is committed. */
export function committedList(): Mutant[]
/** The mutants of today with the cases and tests that the committed list names for each. */
export function listedMutants(): Mutant[]
/** Ids of mutants that nothing has seen yet. */
export function knownSurvivors(): ReadonlySet<string>
/** Those that the committed list does not know. */
export function unknownMutants<M extends Pick<Mutant, 'id'>>(mutants: readonly M[]): M[]
/** The text of the list. */
export function listText(mutants: readonly Mutant[]): string
