// What the suite is told of our agents.
import { fileURLToPath } from 'node:url'

/** The participants that the suite plays around an agent. */
export const playedAroundAgent = ['authServer', 'otherAuthServer']

/** The program that calls `agent.fetch` of @countersign/agent. */
export const agentProgram = fileURLToPath(new URL('agent.fixture.mjs', import.meta.url))

/**
 * `countersign fetch` as an agent with an identity of its own, whose documents the suite serves from the folder `site`. `program` is how
 * the command is started.
 */
export function identifiedOffers({ program, identity, site, state, participants }) {
  const own = ['--id', identity, '--state', state, '--development']
  const fetching = [...program, 'fetch']
  const trusting = ['--auth-server', `http://localhost:${participants.authServer.port}`]
  const command = [...fetching, '--as', 'agent', ...own, ...trusting]
  const post = ['-X', 'POST', '-d', '{}']
  const configuration = {
    participants,
    identity,
    site,
    post: [...command, ...post],
    interactive: [...command, '--no-browser'],
    device: [...command, '--device'],
    approve: [...command, '--no-browser', ...post],
    unidentified: [...fetching, '--development'],
    deadline: 60_000,
  }
  return { command, configuration }
}

/** The program of the library as a delegate of an agent server. `program` starts it with the server, its state and an auth server. */
export function libraryOffers({ program, agentServer, participants }) {
  const configuration = {
    participants,
    identity: agentServer,
    post: [...program, 'POST', 'none'],
    interactive: [...program, 'GET', 'link'],
    device: [...program, 'GET', 'code'],
    approve: [...program, 'POST', 'link'],
    unidentified: [...program, 'GET', 'pseudonym'],
    otherUser: [...program, 'GET', 'other'],
    deadline: 60_000,
  }
  return { command: [...program, 'GET', 'none'], configuration }
}
