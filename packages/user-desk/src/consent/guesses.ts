import { type Charge, type Counts, countLifetime } from '@countersign/auth-server/internal'
import { refusal } from '@countersign/protocol/internal'
import { isPrivatePeer, networkOf, wideNetworkOf } from '@countersign/verify/internal'

/**
 * Wrong user codes before a wait. Many users may share a network, so it has more than one user: five wrong codes of one user must
 * not lock the page for an office. All private addresses together have more still, where one of them may be a proxy that is not in
 * `trustedProxies`. @see protocol §6.3
 */
const mostOf = { one: 5, network: 20, wideNetwork: 100, privatePeers: 1000 }

/** The browser session, user and address that a user code is typed from. */
export interface Guesser {
  readonly session: string
  readonly user: string
  readonly peer?: string | undefined
}

/** Counts of wrong user codes. */
export interface Guesses {
  /**
   * Counts a code as wrong before it is looked up: of 200 that come at once, no more than five are looked up.
   * @throws AAuthError `rate_limited` when the session, user or network has to wait
   */
  take(guesser: Guesser): Promise<void>
  /** The code was right: it counts no more. */
  giveBack(guesser: Guesser): Promise<void>
}

/**
 * Brute force: of 20^8 codes a few wait, and an attacker who could go on guessing from new sessions or as new users would find one.
 * @param o.privatePeers whether a private address is that of a user, i.e. `trustedProxies` is set. Else it may be a proxy with every
 *   user behind it, one of whom could lock the page for all with four accounts
 */
export function createGuesses(counts: Counts, o: { readonly privatePeers: boolean }): Guesses {
  return {
    async take(guesser) {
      if (await counts.take(chargesOf(guesser, o))) return
      throw refusal('guesses_exceeded', { retryAfter: countLifetime })
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
