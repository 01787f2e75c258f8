import { expressAdapter } from '../express-site.test.fixture.js'
import { fastifyAdapter } from '../fastify-site.test.fixture.js'
import { fetchAdapter, honoAdapter } from '../fetch-site.test.fixture.js'
import { nodeAdapter } from '../node-site.test.fixture.js'
import type { Adapter } from '../site.test.fixture.js'

/** Whatever framework a resource is in. The gateway, which it is behind, is in its own package. */
export const adapters: readonly Adapter[] = [nodeAdapter, expressAdapter, fastifyAdapter, honoAdapter, fetchAdapter]
