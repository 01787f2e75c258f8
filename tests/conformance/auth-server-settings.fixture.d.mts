/** Ports of the participants that the suite plays. */
type Participants = Readonly<Record<string, { readonly port: number }>>

/** The participants that the suite plays around an auth server. */
export const playedAroundAuthServer: readonly string[]
/** Settings of `countersign auth-server` beside where it listens and keeps its data. */
export function authServerSettings(id: string, participants: Participants): object
/** The configuration of the suite for it; `history` is the path of the page where questions wait and approved calls stand, default ours. */
export function authServerOffers(participants: Participants, history?: string): object
