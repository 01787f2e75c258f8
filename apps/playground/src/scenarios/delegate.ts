import { explain } from '@countersign/agent'
import type { Stage } from '../stage.js'

/** One instance of the agent enrols with a single-use code, and is identified by name. */
export async function delegate(stage: Stage): Promise<void> {
  const { calendar, agentServer } = stage.participants.addresses
  const { code, sub } = await stage.invite()
  const agent = stage.delegate(code)
  const agenda = await agent.fetch(`${calendar}/agenda`)
  stage.expect('a delegate with an agent token is identified', agenda.status, 200)
  const facts = (await (await agent.fetch(`${calendar}/whoami`)).json()) as {
    level: string
    agent: string
    delegate: string
  }
  stage.expect('the calendar knows the agent', facts.agent, agentServer)
  stage.expect('and which delegate it is', facts.delegate, sub)
  const second = await stage.delegate(code).fetch(`${calendar}/agenda`)
  stage.expect('the code does not work a second time', explain(second).outcome, 'gave_up')
}
