import { AAuthError } from '@countersign/protocol'
import { isPrivatePeer, networkOf, wideNetworkOf } from '@countersign/verify'
import { type Charge, type Counts, countLifetime } from './counts.js'

/**
 * Wrong user codes before a wait. A network is often shared by many users, so that it has more than one of them: five wrong codes
 * of one user must not lock the page for an office. All private addresses together have more yet, where any of them may be a proxy
 * that nobody has named. @see protocol §6.3
 */
const mostOf = { one: 5, network: 20, wideNetwork: 100, privatePeers: 1000 }

/** Who types a user code, and where. */
export interface Guesser {
  readonly session: string
  readonly user: string
  readonly peer?: string | undefined
}

/** Wrong user codes, by who typed them. */
export interface Guesses {
  /**
   * Counts a code as a wrong one, before it is looked up: of 200 that come at once no more than five are.
   * @throws AAuthError `rate_limited` when the session, user or network has to wait
   */
  take(guesser: Guesser): Promise<void>
  /** The code was right: it counts no more. */
  giveBack(guesser: Guesser): Promise<void>
}

/**
 * Of 20^8 codes a few wait: who could go on guessing, from new sessions or as a new user, would find one.
 * @param o.privatePeers whether a private address is that of the user: where proxies are named, or said not to be there. Else it may
 *   be a proxy with every user behind it, one of whom could lock the page for all with four accounts
 */
export function createGuesses(counts: Counts, o: { readonly privatePeers: boolean }): Guesses {
  return {
    async take(guesser) {
      if (await counts.take(chargesOf(guesser, o))) return
      throw new AAuthError('rate_limited', 'Too many wrong codes. Wait ten minutes.', { retryAfter: countLifetime })
    },
    giveBack: guesser => counts.giveBack(chargesOf(guesser, o)),
  }
}

function chargesOf({ session, user, peer }: Guesser, o: { readonly privatePeers: boolean }): Charge[] {
  const own = [
    { name: `guess session ${session}`, most: mostOf.one },
    { name: `guess user ${user}`, most: mostOf.one },
  ]
  if (peer === undefined) return own
  if (isPrivatePeer(peer) && !o.privatePeers)
    return [...own, { name: 'guess private peers', most: mostOf.privatePeers }]
  const wide = wideNetworkOf(peer)
  return [
    ...own,
    { name: `guess network ${networkOf(peer)}`, most: mostOf.network },
    { name: `guess wide network ${wide}`, most: mostOf.wideNetwork },
  ]
}
