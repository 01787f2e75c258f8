/** Where a Redis is, as its URL says. */
export interface RedisAddress {
  /** The URL of one server, or of nodes of one cluster. */
  readonly urls: readonly string[]
  /** Whether these are nodes of a Redis Cluster, which tell of the others. */
  readonly isCluster: boolean
}

const form = /^(rediss?):\/\/([^@/?#]*@)?([^@/?#]+)(\/\d{0,5})?(\?cluster=true)?$/

/**
 * Reads `redis://HOST:PORT` or `rediss://…`, with `USER:PASSWORD@` before the host where it needs them. Several hosts with commas, or
 * `?cluster=true`, are nodes of a Redis Cluster; user, password and TLS hold for all of them.
 * @throws TypeError for any other text. The message never repeats the URL, which may contain a password.
 */
export function redisAddress(url: string): RedisAddress {
  const [, protocol, user = '', hosts = '', path = '', cluster] = form.exec(url) ?? []
  const urls = hosts.split(',').map(host => `${protocol}://${user}${host}${path}`)
  if (protocol === undefined || !urls.every(each => URL.canParse(each) && new URL(each).hostname !== ''))
    throw new TypeError('a Redis URL is redis://HOST:PORT, or redis://HOST:PORT,HOST:PORT,… for a Redis Cluster')
  const isCluster = cluster !== undefined || urls.length > 1
  if (isCluster && /[1-9]/.test(path)) throw new TypeError('a Redis Cluster has database 0 only')
  return { urls, isCluster }
}
