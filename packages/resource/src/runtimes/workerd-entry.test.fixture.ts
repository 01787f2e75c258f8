import { handle } from './fetch-remote.test.fixture.js'

const worker: { fetch(request: Request): Promise<Response> } = { fetch: request => handle(request) }
export default worker
