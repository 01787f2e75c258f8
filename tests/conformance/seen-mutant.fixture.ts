import { expect } from 'vitest'
import { type Stand, stand } from '../processes.fixture.js'
import { judge, judgedAs, withVerdict } from './judged.fixture.js'
import type { Mutant } from './mutants.fixture.js'
import type { AgentSubject } from './servers.fixture.js'
import type { Subject } from './site.fixture.js'

/** Starts a participant that lacks one check, in a folder of its own, and judges it by the cases that must see it. */
export async function expectSeen(
  role: 'resource' | 'auth-server' | 'agent-server' | 'agent',
  mutant: Mutant,
  start: (place: Stand, mutant: Mutant) => Promise<Subject | AgentSubject>,
): Promise<void> {
  const place = stand()
  try {
    const subject = await start(place, mutant)
    const only = mutant.fails.flatMap(id => ['--only', id])
    const flags = [...only, ...(mutant.slow ? ['--slow'] : [])]
    const { code, checks } = await judge(place, [role, ...flags, ...judgedAs(subject)], subject.configuration)
    expect(code).toBe(1)
    for (const id of mutant.fails) expect([id, checks.verdicts[id]]).toEqual([id, 'failed'])
    // It fails for what it lacks, not because nothing could be decided.
    expect(withVerdict(checks, 'failed').filter(one => one.includes('could not decide'))).toEqual([])
  } finally {
    await place.stop()
  }
}
