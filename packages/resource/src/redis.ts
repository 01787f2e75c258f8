export { type RedisCounter, type RedisCounterOptions, redisCounter } from './limit/redis-counter.js'
