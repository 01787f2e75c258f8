export type { RedisConnection, RedisPlace } from '@countersign/httpsig/redis'
export { type RedisEventBus, type RedisEventBusOptions, redisEventBus } from './stream/redis-event-bus.js'
