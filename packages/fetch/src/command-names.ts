/** What the commands for agents are called where they run, for texts that say what to run next. */
export interface CommandNames {
  readonly fetch: string
  readonly enroll: string
  readonly keys: string
}

/** By `npx`, where nothing is installed. */
export const npxNames: CommandNames = {
  fetch: 'npx -y @countersign/fetch',
  enroll: 'npx -y @countersign/fetch enroll',
  keys: 'npx -y @countersign/fetch keys',
}
