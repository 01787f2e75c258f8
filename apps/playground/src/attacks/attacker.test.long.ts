import { fileURLToPath } from 'node:url'
import { freeBase } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Participants, startParticipants } from '../participants.js'
import { createAttacker } from './attacker.js'
import type { AttackResult } from './contract.js'
import type { MessageAttack } from './message-attack.js'
import { allHeld, createAttacks } from './scoreboard.js'

// Attacks that are broken on purpose: the scoreboard must not say that they have held.

const broken: MessageAttack = {
  name: 'broken',
  title: 'Change nothing',
  tries: 'The attacker changes nothing.',
  kind: 'message',
  onMessage: true,
  reasons: ['signature_wrong'],
  why: () => undefined,
  change: signed => signed,
}

let participants: Participants
beforeAll(async () => {
  const countersign = fileURLToPath(new URL('../../../../packages/cli/bin/countersign.js', import.meta.url))
  participants = await startParticipants({ base: await freeBase(), countersign, execArgv: [], onReady: () => {} })
})
afterAll(() => participants.stop())

describe('what does not hold is told', () => {
  const made = (change: Partial<MessageAttack>): Promise<AttackResult> =>
    createAttacker(participants).make({ ...broken, ...change })

  test('an attack that changes nothing passes like its twin', async () => {
    const result = await made({})
    expect(result).toMatchObject({
      verdict: 'attack passed',
      twin: { response: { status: 201 } },
      attacked: { response: { status: 201 } },
    })
    expect(result.refusal).toBeUndefined()
  })

  test('an attack that is refused for something else proves nothing', async () => {
    const change: MessageAttack['change'] = signed => ({ ...signed, body: '{}' })
    expect(await made({ change })).toMatchObject({
      verdict: 'refused for another reason',
      refusal: { reason: 'digest_wrong' },
    })
    expect(await made({ change, reasons: ['digest_wrong'] })).toMatchObject({ verdict: 'held' })
  })

  test('an attack that cannot be made says why', async () => {
    const change = (): never => {
      throw new Error('there is no such header')
    }
    expect(await made({ change })).toMatchObject({ verdict: 'not made', note: 'there is no such header' })
  })

  test('one of them is enough for the scoreboard to fail', async () => {
    const right: MessageAttack = {
      ...broken,
      name: 'right',
      change: signed => ({ ...signed, target: `${signed.target}1` }),
    }
    const seen: string[] = []
    const boardOf = (attacks: readonly MessageAttack[]) =>
      createAttacks({
        participants,
        attacks,
        alone: work => work(),
        onChange: (state, result) => void seen.push(`${state} ${result?.attack ?? ''} ${result?.verdict ?? ''}`.trim()),
      }).makeAll()
    expect(allHeld(await boardOf([right]))).toBe(true)
    expect(allHeld(await boardOf([right, broken]))).toBe(false)
    expect(seen.slice(3)).toEqual(['running', 'running right held', 'running broken attack passed', 'ended'])
  })
})
