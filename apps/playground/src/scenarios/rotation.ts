import { join } from 'node:path'
import { fileState } from '@countersign/agent/node'
import { type Stage, stepsOf } from '../stage.js'

interface Facts {
  readonly delegate: string
  readonly key: string
}

/** A delegate's key is replaced, then lost; its name and its grant stay. */
export async function rotation(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const file = join(stage.participants.folder, `rotation-${sub}.json`)
  const url = `${calendar}/events`
  const factsOf = async (agent: ReturnType<Stage['delegate']>): Promise<Facts> =>
    (await (await agent.fetch(`${calendar}/whoami`)).json()) as Facts

  const agent = stage.delegate(code, fileState(file))
  stage.expect('a delegate enrols with a code and gets a token', (await agent.fetch(url)).status, 200)
  const first = await factsOf(agent)

  await agent.rotateKey()
  const rotated = await agent.fetch(url)
  stage.expect('after its key was replaced, the call passes', rotated.status, 200)
  stage.expect('with its token refreshed for the new key, and without asking a user', stepsOf(rotated), 'refresh sign')
  const second = await factsOf(agent)
  stage.expect('it is the same delegate', second.delegate, first.delegate)
  stage.expectOther('with another key', second.key, first.key)

  const restarted = await factsOf(stage.delegate(code, fileState(file)))
  stage.expect('after a restart it uses the new key', restarted.key, second.key)

  await fileState(file).remove(`delegate ${agentServer}`)
  const again = await stage.invite(sub)
  const recovered = stage.delegate(again.code, fileState(file))
  const answer = await recovered.fetch(url)
  stage.expect('after it lost its key, it enrols again with a new code and passes', answer.status, 200)
  stage.expect('with the refresh token it already had', stepsOf(answer).includes('refresh'), true)
  const third = await factsOf(recovered)
  stage.expect('its name is still the same', third.delegate, first.delegate)
  stage.expectOther('its key is new again', third.key, second.key)
}
