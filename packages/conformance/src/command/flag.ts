/** A flag of a command. */
export interface Flag {
  /** Its name without dashes. */
  readonly name: string
  /** One letter that says the same after one dash. */
  readonly short?: string
  /** What its value is; absent where it has none. */
  readonly value?: string
  /** Whether it may come again for more values. */
  readonly again?: true
  readonly text: string
}

/** The flags of a command line, by their names in camel case. */
export type FlagValues = Readonly<Record<string, unknown>>

/** A command of the suite, for any program that reads command lines. */
export interface SuiteCommand {
  readonly name: string
  readonly text: string
  readonly argument: {
    readonly name: string
    readonly text: string
    /** Whether there may be more than one. */
    readonly several?: true
  }
  readonly flags: readonly Flag[]
  /** Runs it, and sets the exit code. */
  readonly run: (values: readonly string[], flags: FlagValues) => Promise<void>
}

/** The name under which a program has the value of a flag. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
