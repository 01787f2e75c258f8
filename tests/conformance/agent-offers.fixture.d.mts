type Participants = Readonly<Record<string, { readonly port: number }>>

/** The command of an agent, and the configuration of the suite for it. */
interface Offered {
  readonly command: readonly string[]
  readonly configuration: object
}

/** The participants that the suite plays around an agent. */
export const playedAroundAgent: readonly string[]
/** The program that calls `agent.fetch` of @countersign/agent. */
export const agentProgram: string
/** `countersign fetch` as an agent with an identity of its own, whose documents the suite serves from the folder `site`. */
export function identifiedOffers(started: {
  readonly program: readonly string[]
  readonly identity: string
  readonly site: string
  readonly state: string
  readonly participants: Participants
}): Offered
/** The program of the library as a delegate of an agent server. */
export function libraryOffers(started: {
  readonly program: readonly string[]
  readonly agentServer: string
  readonly participants: Participants
}): Offered
