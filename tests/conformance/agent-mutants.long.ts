import { ofThird } from '@countersign/requirements'
import { test } from 'vitest'
import { agentMutants, agentServerMutants, enrolmentMutants } from './mutants.fixture.js'
import { expectSeen } from './seen-mutant.fixture.js'
import { identifiedAgent, startAgentServer, startEnrolling } from './servers.fixture.js'

test.each(ofThird(agentMutants))('an agent that lacks $lacks does not pass', mutant =>
  expectSeen('agent', mutant, identifiedAgent),
)

const agentServers = [
  ...agentServerMutants.map(mutant => ({ mutant, start: startAgentServer, lacks: mutant.lacks })),
  ...enrolmentMutants.map(mutant => ({ mutant, start: startEnrolling, lacks: mutant.lacks })),
]

test.each(ofThird(agentServers))('an agent server that lacks $lacks does not pass', ({ mutant, start }) =>
  expectSeen('agent-server', mutant, start),
)
