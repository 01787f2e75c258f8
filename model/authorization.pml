/*
 * Authorization by resource token (docs/protocol.md §3 to §6.2): a delegate calls a resource, is challenged, takes the resource token to
 * an auth server that decides by policy, and calls again under the auth token.
 */
#include "terms.h"

#define sig_authority_configured     1  /* sig.authority.configured · COV-27 · request_as_signed */
#define sig_covered_signature_key    2  /* sig.covered.always · COV-03 · request_as_signed */
#define sig_covered_method           3  /* sig.covered.always · COV-19 · request_as_signed */
#define sig_covered_body             4  /* sig.covered.body · COV-08 · holder_asked */
#define sig_replay_unsafe            5  /* sig.replay.unsafe · NON-01 · once */
#define token_agent_signature        6  /* token.signature · AGT-01 · only_own_keys */
#define challenge_verified_only      7  /* challenge.verified-only · RST-22 · key_was_asked_for */
#define token_resource_bound         8  /* token.resource.bound · RST-19 · key_was_asked_for */
#define auth_resource_token_key      9  /* auth.resource-token.key · RST-01 · key_was_asked_for */
#define auth_resource_token_aud     10  /* auth.resource-token.aud · RST-03 · key_was_asked_for */
#define auth_resource_token_caller  11  /* auth.resource-token.caller · RST-04 · key_was_asked_for */
#define auth_resource_token_jkt     12  /* auth.resource-token.jkt · RST-05 · key_was_asked_for */
#define token_endpoint_identified   13  /* token-endpoint.identified · TOK-28 · holder_asked */
#define grant_delegates             14  /* grant.delegates · TOK-40 · within_policy */
#define trust_resource_auth_servers 15  /* trust.resource.auth-servers · AUT-02 · within_policy */
#define token_auth_signature        16  /* token.signature · AUT-01 · within_policy */
#define token_auth_aud              17  /* token.auth.aud · AUT-03 · within_policy */
#define token_auth_binding          18  /* token.binding · AUT-04 · only_own_keys */
#define insufficient_scope          19  /* error.insufficient-scope · AUT-09 · within_policy */
#define agent_checks_resource_token 20  /* agent.checks.resource-token · CLI-01 · asked_where_called */
#define agent_checks_binding        21  /* agent.checks.binding · CLI-19 · none: the auth server refuses it, by auth.resource-token.caller and auth.resource-token.jkt */

mtype = { nobody };
/* Callers: a delegate of an honest agent; another delegate of that agent, which the attacker has enrolled; the attacker's own agent. */
mtype = { Phone, Intruder, Eve };
/* Keys. The attacker holds the last two: an earlier key of Phone, stolen with its agent token, and its own, which it uses twice. */
mtype = { phone_key, stolen_key, eve_key };
/* Resources and auth servers. Calendar lists Auth and OtherAuth. The attacker owns EvilApi and EvilAuth. */
mtype = { Calendar, EvilApi, Auth, OtherAuth, EvilAuth };
mtype = { reading, writing };
mtype = { request_as_signed, key_was_asked_for, holder_asked, within_policy, only_own_keys, once, asked_where_called };

/* §5. `signer` is whose key really made it; `asker` and `asker_key` who really asked the resource: the model's own notes. */
typedef ResourceToken { mtype signer; mtype iss; mtype aud; mtype agent; mtype jkt; mtype scope; mtype asker; mtype asker_key }
typedef AuthToken { mtype signer; mtype iss; mtype aud; mtype agent; mtype cnf; mtype scope }

/*
 * What the attacker holds at the moment: one token at a time. That is all it can know, since each step needs one token and every
 * token that it once had it can get again: resource and auth server answer a request that comes again.
 */
ResourceToken rt;
AuthToken at;
#define has_rt (rt.iss != nobody)
#define has_at (at.iss != nobody)

/* Two calls of Phone, with the messages that it has signed for them; the attacker has read them all. */
#if REMOVED == agent_checks_binding
#define CALLS 1 /* Phone then carries any resource token, which are too many states for two calls. */
#else
#define CALLS 2
#endif
typedef Call { byte stage; mtype target; mtype scope; ResourceToken sent; mtype token_scope; bool done }
Call call[2];

inline drop() {
  rt.signer = nobody; rt.iss = nobody; rt.aud = nobody; rt.agent = nobody; rt.jkt = nobody; rt.scope = nobody;
  rt.asker = nobody; rt.asker_key = nobody;
  at.signer = nobody; at.iss = nobody; at.aud = nobody; at.agent = nobody; at.cnf = nobody; at.scope = nobody
}

/* What the operator of Auth has allowed without a user: at Calendar Phone both, everyone reading; at EvilApi anything. */
#define granted(agent, resource, scope) (resource == EvilApi || scope == reading || agent == Phone)
/* The same, where a grant of an agent is taken to be for all its delegates. */
#define granted_to_agent(agent, resource, scope) (granted(agent, resource, scope) || agent == Intruder)

/* A caller whose keys the attacker holds. Phone under eve_key would need an agent token that its agent server has not signed. */
inline attacker_as() {
  if
  :: who = Phone; key = stolen_key
  :: who = Intruder; key = eve_key
  :: who = Eve; key = eve_key
  :: AWAY(token_agent_signature) -> who = Phone; key = eve_key
  fi
}

/* What its agent server, or its own metadata, says of a caller. Eve may publish the public key of Phone as her own, and cannot use it. */
#define own_key(caller, k) ((caller == Phone && (k == phone_key || k == stolen_key)) || (caller != Phone && k == eve_key))

/* §4, §6.1: a resource issues a resource token to the caller that it has verified, bound to the key that signed. */
inline resource_issues(caller, bound_key, wanted, for_server, by, by_key) {
  drop();
  rt.signer = Calendar; rt.iss = Calendar; rt.aud = for_server; rt.agent = caller; rt.jkt = bound_key; rt.scope = wanted;
  rt.asker = by; rt.asker_key = by_key
}

/* §6.2: what an auth server checks of a resource token that `caller` presents under the key `k`. */
#define accepted(t, caller, k) ( \
  KEEP(auth_resource_token_key, t.signer == t.iss) && \
  KEEP(auth_resource_token_aud, t.aud == Auth) && \
  KEEP(auth_resource_token_caller, t.agent == caller) && \
  KEEP(auth_resource_token_jkt, t.jkt == k) && \
  (granted(caller, t.iss, t.scope) || (AWAY(grant_delegates) && granted_to_agent(caller, t.iss, t.scope))))

/* §6.2, §5: the answer. `signed_by_holder`: the holder of the key has asked for exactly that. */
inline auth_server_issues(t, caller, k, signed_by_holder) {
  printf("STEP %e takes the resource token, and issues an auth token for %e under %e: %e at %e.\n", Auth, caller, k, t.scope, t.iss);
  PROPERTY(key_was_asked_for, t.iss == EvilApi ||
    (t.signer == Calendar && t.aud == Auth && t.asker == caller && t.asker_key == k));
  PROPERTY(holder_asked, k != phone_key || signed_by_holder);
  PROPERTY(within_policy, granted(caller, t.iss, t.scope));
  at.signer = Auth; at.iss = Auth; at.aud = t.iss; at.agent = caller; at.cnf = k; at.scope = t.scope;
  rt.signer = nobody; rt.iss = nobody; rt.aud = nobody; rt.agent = nobody; rt.jkt = nobody; rt.scope = nobody;
  rt.asker = nobody; rt.asker_key = nobody
}

/* §5: what Calendar checks of an auth token, for a request that is signed by `k` and needs `wanted`. */
#define passes(k, wanted) ( \
  KEEP(trust_resource_auth_servers, at.iss == Auth || at.iss == OtherAuth) && \
  KEEP(token_auth_signature, at.signer == at.iss) && \
  KEEP(token_auth_aud, at.aud == Calendar) && \
  KEEP(token_auth_binding, at.cnf == k) && \
  KEEP(insufficient_scope, at.scope == writing || wanted == reading))

#define honest_call (call[i].target == Calendar && presented == call[i].scope && by_name == Phone)

active proctype world() {
  mtype who = nobody, key = nobody, scope = nobody, presented = nobody, by_name = nobody, server = nobody;
  byte i; /* which call */
  atomic { drop(); call[0].target = nobody; call[1].target = nobody }
  do
  /* The honest agent. §4: it calls a resource, and signs method, target, body, authority and who it is. */
  :: atomic { call[i].stage == 0 && (i == 0 || CALLS == 2 && call[0].stage > 0) ->
       CHOOSE2(call[i].target, Calendar, EvilApi); CHOOSE2(call[i].scope, reading, writing);
       call[i].stage = 1;
       printf("STEP %e signs a call of %e, for %e.\n", Phone, call[i].target, call[i].scope) }

  /* §4 "The agent checks the resource, too", then §6.2: it takes a resource token to the auth server that it accepts. */
  :: atomic { has_rt && call[i].stage == 1 && rt.aud == Auth && rt.signer == rt.iss &&
       KEEP(agent_checks_resource_token, rt.iss == call[i].target) &&
       KEEP(agent_checks_binding, rt.agent == Phone && rt.jkt == phone_key) ->
       printf("STEP %e is answered with a resource token of %e for %e, and signs an auth request with it for %e.\n", Phone, rt.iss, rt.scope, Auth);
       PROPERTY(asked_where_called, rt.iss == call[i].target);
       call[i].sent.signer = rt.signer; call[i].sent.iss = rt.iss; call[i].sent.aud = rt.aud; call[i].sent.agent = rt.agent;
       call[i].sent.jkt = rt.jkt; call[i].sent.scope = rt.scope; call[i].sent.asker = rt.asker; call[i].sent.asker_key = rt.asker_key;
       call[i].stage = 2; drop() }

  /* §6.4: it checks the answer, and repeats its call under the auth token. */
  :: atomic { has_at && call[i].stage == 2 && at.iss == Auth && at.signer == Auth && at.aud == call[i].target &&
       at.agent == Phone && at.cnf == phone_key && (at.scope == writing || call[i].scope == reading) ->
       call[i].token_scope = at.scope; call[i].stage = 3;
       printf("STEP %e signs its call of %e again, under the auth token.\n", Phone, call[i].target); drop() }

  /* The other of the two calls. */
  :: atomic { call[0].stage > 0 -> i = 1 - i }

  /* §4: Calendar challenges a call of Phone that the attacker delivers, perhaps altered where nothing covers it. */
  :: atomic { call[i].stage >= 1 && KEEP(sig_authority_configured, call[i].target == Calendar) ->
       presented = call[i].scope; by_name = Phone;
       if :: AWAY(sig_covered_method) -> CHOOSE2(presented, reading, writing) :: else fi;
       if :: AWAY(sig_covered_signature_key) -> by_name = Eve :: else fi;
       resource_issues(by_name, phone_key, presented, Auth, Phone, phone_key);
       printf("STEP %e is handed that call as one of %e for %e, and challenges it with a resource token for %e.\n", Calendar, by_name, presented, Auth);
       PROPERTY(request_as_signed, honest_call);
       presented = nobody; by_name = nobody }

  /* The same for a caller whose key the attacker holds. §6.1: the caller may say for which of the two auth servers. */
  :: atomic { attacker_as(); CHOOSE2(scope, reading, writing); CHOOSE2(server, Auth, OtherAuth);
       resource_issues(who, key, scope, server, who, key);
       if :: AWAY(token_resource_bound) -> CHOOSE3(rt.jkt, phone_key, stolen_key, eve_key) :: else fi;
       printf("STEP The attacker calls %e as %e under %e, and gets a resource token for %e, bound to %e, for %e.\n", Calendar, who, key, scope, rt.jkt, server);
       PROPERTY(only_own_keys, own_key(who, key));
       who = nobody; key = nobody; scope = nobody; server = nobody }

  /* Without `challenge.verified-only` it need not sign at all. */
  :: atomic { AWAY(challenge_verified_only) -> CHOOSE2(scope, reading, writing);
       resource_issues(Phone, phone_key, scope, Auth, nobody, nobody);
       printf("STEP The attacker calls %e, merely says that it is %e, and gets a resource token for %e.\n", Calendar, Phone, scope);
       scope = nobody }

  /* The attacker makes a resource token: as EvilApi, or in the name of Calendar without its key. */
  :: atomic { drop(); CHOOSE2(rt.iss, Calendar, EvilApi); CHOOSE2(rt.aud, Auth, EvilAuth); CHOOSE2(rt.scope, reading, writing);
       rt.signer = EvilApi;
       if :: rt.agent = Phone; rt.jkt = phone_key :: rt.agent = Phone; rt.jkt = stolen_key
          :: rt.agent = Intruder; rt.jkt = eve_key :: rt.agent = Eve; rt.jkt = eve_key fi;
       printf("STEP The attacker makes a resource token of %e for %e under %e: %e.\n", rt.iss, rt.agent, rt.jkt, rt.scope) }

  /* §6.2: Auth is handed an auth request of Phone. The body holds the resource token, and the signature covers the body. */
  :: atomic { call[i].stage >= 2 && accepted(call[i].sent, Phone, phone_key) ->
       printf("STEP %e is handed the auth request of %e.\n", Auth, Phone);
       auth_server_issues(call[i].sent, Phone, phone_key, true) }
  :: atomic { AWAY(sig_covered_body) && call[i].stage >= 2 && has_rt && accepted(rt, Phone, phone_key) ->
       printf("STEP %e is handed the auth request of %e with another resource token, of %e for %e.\n", Auth, Phone, rt.iss, rt.scope);
       auth_server_issues(rt, Phone, phone_key, call[i].sent.iss == rt.iss && call[i].sent.scope == rt.scope) }

  /* The same for a caller whose key the attacker holds, or, without `token-endpoint.identified`, for anybody. */
  :: atomic { has_rt -> attacker_as();
       if :: accepted(rt, who, key) ->
            printf("STEP The attacker presents the resource token to %e as %e under %e.\n", Auth, who, key);
            auth_server_issues(rt, who, key, false)
          :: else fi;
       who = nobody; key = nobody }
  :: atomic { AWAY(token_endpoint_identified) && has_rt && accepted(rt, Phone, phone_key) ->
       printf("STEP The attacker presents the resource token to %e in the name of %e, without a signature.\n", Auth, Phone);
       auth_server_issues(rt, Phone, phone_key, false) }

  /* The attacker makes an auth token: as EvilAuth, or in the name of Auth without its key. */
  :: atomic { drop(); CHOOSE2(at.iss, Auth, EvilAuth); CHOOSE2(at.aud, Calendar, EvilApi); CHOOSE2(at.scope, reading, writing);
       at.signer = EvilAuth;
       if :: at.agent = Phone; at.cnf = phone_key :: at.agent = Phone; at.cnf = stolen_key
          :: at.agent = Intruder; at.cnf = eve_key :: at.agent = Eve; at.cnf = eve_key fi;
       printf("STEP The attacker makes an auth token of %e for %e under %e: %e at %e.\n", at.iss, at.agent, at.cnf, at.scope, at.aud) }

  /* Calendar is handed the call of Phone under its auth token: `signature-key` covers the token, the rest the request. */
  :: atomic { call[i].stage == 3 && call[i].target == Calendar &&
       (call[i].scope == reading || KEEP(sig_replay_unsafe, !call[i].done)) ->
       presented = call[i].scope;
       if :: AWAY(sig_covered_method) -> CHOOSE2(presented, reading, writing) :: else fi;
       if
       :: (call[i].token_scope == writing || presented == reading) ->
            printf("STEP %e carries out that call: %e, for %e.\n", Calendar, presented, Phone);
            PROPERTY(request_as_signed, presented == call[i].scope);
            PROPERTY(once, presented == reading || !call[i].done);
            call[i].done = true;
            COMPLETES(1)
       :: else
       fi;
       presented = nobody }

  /* Calendar is handed a call that the attacker has signed, under whatever auth token it holds. */
  :: atomic { has_at -> CHOOSE2(key, stolen_key, eve_key); CHOOSE2(scope, reading, writing);
       if :: passes(key, scope) ->
            printf("STEP The attacker calls %e under the auth token, signed by %e, and %e carries out: %e, for %e.\n", Calendar, key, Calendar, scope, at.agent);
            PROPERTY(only_own_keys, own_key(at.agent, key));
            PROPERTY(within_policy, granted(at.agent, Calendar, scope));
            COMPLETES(2)
          :: else fi;
       key = nobody; scope = nobody }
  od
}
