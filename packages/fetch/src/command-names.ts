/** The names of the commands, for texts that say what to run next. */
export interface CommandNames {
  readonly fetch: string
  readonly enroll: string
  readonly keys: string
}

/** The names with `npx`, for users who have installed nothing. */
export const npxNames: CommandNames = {
  fetch: 'npx -y @countersign/fetch',
  enroll: 'npx -y @countersign/fetch enroll',
  keys: 'npx -y @countersign/fetch keys',
}
