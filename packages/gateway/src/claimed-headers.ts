/**
 * Headers by which some proxy in front of some server says who or where a caller is, or what was really asked for. An API behind a
 * gateway that was behind such a proxy before believes them, and here a caller has written them.
 */
const names: ReadonlySet<string> = new Set([
  // Where from.
  'client-ip',
  'x-forwarded',
  'x-host',
  'cf-pseudo-ipv4',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-proxyuser-ip',
  'cdn-loop',
  // A variable HTTP_PROXY of CGI programs: their requests would go by way of the caller.
  'proxy',
  // Who.
  'x-anonymous-consumer',
  'x-userinfo',
  'x-user-info',
  'client-cert',
  'client-cert-chain',
  // What was asked for.
  'x-original-uri',
  'x-original-method',
  'x-script-name',
  'x-url-scheme',
  'x-scheme',
  'front-end-https',
  'x-accel-mapping',
  'x-sendfile-type',
  'x-waws-unencoded-url',
  'disguised-host',
  'base-url',
])

const beginnings: readonly string[] = [
  'x-forwarded-',
  'x-envoy-',
  'wl-proxy-',
  'x-arr-',
  'x-middleware-',
  'x-remote-',
  'remote-',
  'x-webauth-',
  'x-auth-request-',
  'x-authenticated-',
  'x-authentik-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-ms-client-principal',
  'x-amzn-oidc-',
  'x-amzn-mtls-',
  'cf-access-',
  'tailscale-',
  'x-pomerium-',
  'x-vouch-',
  'oidc-',
  'impersonate-',
  'x-consumer-',
  'x-credential-',
  'x-client-cert',
  'x-client-verify',
  'x-client-dn',
  'x-ssl-',
  'ssl-',
  'x-tls-',
]

// `True-Client-IP`, `CF-Connecting-IPv6`, `X-Original-Forwarded-For`, `X-AppEngine-User-IP` and whatever else a network calls it.
const address =
  /(?:^|-)(?:forwarded-for|(?:client|connecting|real|remote|originating|source|src|user|external)-(?:ip|addr|address)(?:v[46])?)$/

/** Whether a caller would tell the API behind what only a proxy may tell it. @param plain a name as `plainName` has it */
export function isProxyClaim(plain: string): boolean {
  return names.has(plain) || beginnings.some(beginning => plain.startsWith(beginning)) || address.test(plain)
}
