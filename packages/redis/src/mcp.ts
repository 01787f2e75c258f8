export { type RedisEventBus, type RedisEventBusOptions, redisEventBus } from './mcp/event-bus.js'
export type { RedisConnection } from './servers/link.js'
export type { RedisPlace } from './servers/shared-script.js'
