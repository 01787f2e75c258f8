export { type RedisCounter, type RedisCounterOptions, redisCounter } from './redis-counter.js'
