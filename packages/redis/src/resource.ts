export type {
  CallWindow,
  Count,
  CountedCall,
  Counter,
  GrantName,
  InteractionAnswer,
  InteractionClaim,
  InteractionLimits,
  InteractionSession,
  InteractionSessions,
  Rate,
  Revocation,
  RevocationListener,
  RevocationSet,
} from '@countersign/resource'
export { type RedisCounter, type RedisCounterOptions, redisCounter } from './resource/counter.js'
export { type RedisInteractions, type RedisInteractionsOptions, redisInteractions } from './resource/interactions.js'
export {
  type RedisRevocationSet,
  type RedisRevocationSetOptions,
  redisRevocationSet,
} from './resource/revocation-set.js'
export type { RedisConnection } from './servers/link.js'
export type { RedisPlace } from './servers/shared-script.js'
