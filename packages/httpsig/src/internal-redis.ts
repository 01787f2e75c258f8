// For the other packages of this project, not for users: these names may change in any release (no semver).

export { epochScript } from './replay/redis-epoch.js'
export {
  keyPrefix,
  openSharedScript,
  type RedisScript,
  type ScriptRun,
  type SharedScript,
} from './replay/redis-shared-script.js'
