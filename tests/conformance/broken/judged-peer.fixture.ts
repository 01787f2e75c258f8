import { returningPorts } from '@countersign/testing/ports'
import { stand } from '../../processes.fixture.js'
import { type Checks, inGroups, judge, judgedAs, withVerdict } from '../judged.fixture.js'
import type { BrokenPeer, LegalVariant, PeerChange } from './broken-peer.js'
import type { RolePeers } from './peers.js'

/** Judges the peer of a role, perhaps with one line changed, in a folder and a process of its own. */
export async function judgePeer(
  { role, start }: RolePeers,
  o: { readonly change?: PeerChange; readonly flags?: readonly string[] } = {},
): Promise<Checks> {
  const place = stand()
  try {
    const subject = await start(place, o.change)
    const { checks } = await judge(place, [role, ...(o.flags ?? []), ...judgedAs(subject)], subject.configuration)
    return checks
  } finally {
    await place.stop()
  }
}

/** Says why no case has seen that a peer is broken; undefined where all that must see it have. */
export async function unseen(peers: RolePeers, broken: BrokenPeer): Promise<string | undefined> {
  const flags = [...broken.cases.flatMap(id => ['--only', id]), ...(broken.slow === true ? ['--slow'] : [])]
  const title = `${broken.clause} “${broken.words}”`
  try {
    const checks = await judgePeer(peers, { change: broken, flags })
    const passed = broken.cases.filter(id => checks.verdicts[id] !== 'failed')
    if (passed.length > 0)
      return `${title}: ${passed.map(id => `${id} ${checks.verdicts[id] ?? 'missing'}`).join(', ')}`
    // It must fail for what is broken, not because nothing could be decided.
    const undecided =
      broken.refuses === true ? [] : withVerdict(checks, 'failed').filter(one => one.includes('could not decide'))
    return undecided.length > 0 ? `${title}: ${undecided.join('; ')}` : undefined
  } catch (error) {
    return `${title}: ${String(error)}`
  }
}

/** The cases that a legal variant of a peer fails, and why. */
export async function faultsOf(peers: RolePeers, variant?: LegalVariant): Promise<readonly string[]> {
  const flags = inGroups(...(peers.groups ?? []))
  const checks = await judgePeer(peers, { flags, ...(variant === undefined ? {} : { change: variant }) })
  return [...withVerdict(checks, 'failed'), ...withVerdict(checks, 'warning')]
}

/** Runs work on all of a list, a few at a time: each is two processes that wait most of the time. */
export async function fewAtATime<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const rest = [...all.entries()]
  const run = async (most: number): Promise<void> => {
    for (let done = 0; done < most; done++) {
      const next = rest.shift()
      if (next !== undefined) results[next[0]] = await work(next[1])
    }
  }
  while (rest.length > 0) await returningPorts(() => Promise.all([run(8), run(8), run(8)]))
  return results
}
