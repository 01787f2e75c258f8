/** Texts of the agent library that name options, and the same texts with flags. */
const flagTexts: ReadonlyArray<readonly [library: string, flags: string]> = [
  ['acceptAuthServer does not list this auth server', 'no --auth-server names this auth server'],
  ['identifyTo does not list it, so nothing was sent', 'without --as agent or --as delegate nothing is sent'],
  ['identifyTo does not list this resource', 'without --as agent or --as delegate it is told nothing'],
  ['and has nothing to enrol with: give it `enroll`', 'yet: run the command enroll AGENT_SERVER --code CODE first'],
  ['and this agent has no `interact` to send one', 'and there is no way here to send one'],
  ['is larger than bodyLimit', 'is larger than 1 MiB, which is held in memory to be signed'],
]

/** Returns a sentence of the agent library with flags in place of options. */
export function withFlagNames(sentence: string): string {
  return flagTexts.reduce((text, [library, flags]) => text.replace(library, flags), sentence)
}
