import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileState } from '@countersign/agent/node'
import { authTokenLifetime } from '../playground-policy.js'
import { type Stage, stepsOf } from '../stage.js'

interface Facts {
  readonly delegate: string
  readonly key: string
  readonly level: string
}

/** Tokens expire, processes restart, keys get lost; the grant stays. */
export async function refresh(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const file = join(stage.participants.folder, `delegate-${sub}.json`)
  const url = `${calendar}/events`
  const factsOf = async (agent: ReturnType<Stage['delegate']>): Promise<Facts> => {
    await agent.fetch(url)
    return (await (await agent.fetch(`${calendar}/whoami`)).json()) as Facts
  }
  const first = stage.delegate(code, fileState(file))
  stage.expect('a delegate gets a token and a refresh token', (await first.fetch(url)).status, 200)
  const before = await factsOf(first)

  await sleep((authTokenLifetime + 1) * 1000)
  const later = await first.fetch(url)
  stage.expect('after the token has expired the call still passes', later.status, 200)
  stage.expect('because the agent refreshed it', stepsOf(later).includes('refresh'), true)

  await stage.participants.killAuthServer()
  await sleep((authTokenLifetime + 1) * 1000)
  const restarted = stage.delegate(code, fileState(file))
  const resumed = await restarted.fetch(url)
  stage.expect(
    'the auth server was killed and the agent restarted from its saved state: the call passes',
    resumed.status,
    200,
  )
  stage.expect('without a new grant', stepsOf(resumed).includes('refresh'), true)
  stage.expect('as the same delegate', (await factsOf(restarted)).delegate, sub)

  await fileState(file).remove(`delegate ${agentServer}`)
  const again = await stage.invite(sub)
  const recovered = stage.delegate(again.code, fileState(file))
  const answer = await recovered.fetch(url)
  stage.expect('after it lost its keys, it enrols again and passes', answer.status, 200)
  stage.expect('with the refresh token it already had', stepsOf(answer).includes('refresh'), true)
  const after = await factsOf(recovered)
  stage.expect('its name is the same', after.delegate, before.delegate)
  stage.expectOther('its key is new, and so is the key its tokens are bound to', after.key, before.key)
}
