/*
 * Exchange with account linking (docs/protocol.md §7): a service in the middle exchanges the auth token that it was called with, at the auth
 * server of the next resource. That one knows its own users, links them to those of the upstream issuer, and asks them.
 */
#include "terms.h"

#define exchange_own_key            1  /* exchange.own-key · EXC-26 · only_own_keys, with auth_resource_token_jkt */
#define auth_resource_token_jkt     2  /* auth.resource-token.jkt · RST-05 · only_own_keys, with exchange_own_key */
#define trust_upstream              3  /* trust.auth-server.upstream · EXC-01 · listed_issuer, with exchange_rule */
#define exchange_upstream_signature 4  /* exchange.upstream · EXC-02 · caller_was_called */
#define exchange_upstream_aud       5  /* exchange.upstream · EXC-04 · caller_was_called */
#define exchange_upstream_mandate   6  /* exchange.upstream · EXC-12 · caller_was_called, with exchange_rule */
#define exchange_rule               7  /* exchange.rule · EXC-10 · no_widening */
#define exchange_chain              8  /* exchange.chain · EXC-15 · no_party_twice */
#define exchange_issued             9  /* exchange.issued · EXC-09 · only_own_keys */
#define exchange_act                10 /* exchange.act · EXC-17 · true_origin */
#define policy_narrow               11 /* policy.narrow · DEL-75 · no_widening */
#define exchange_sub                12 /* exchange.sub · EXC-27 · right_user */
#define token_user                  13 /* token.user · EXC-28 · right_user */
#define exchange_no_user            14 /* exchange.no-user · EXC-29 · right_user */
#define link_same_user              15 /* link.same-user · INT-16 · right_user */
#define link_asks                   16 /* link.asks · INT-17 · right_user */
#define consent_remembered_chain    17 /* consent.remembered · UIX-35 · user_agreed */
#define exchange_cached             18 /* exchange.cached · EXC-30 · right_user */

mtype = { nobody };
/* Users at Home, and the accounts at RoomsAuth. The attacker is Mallory. By chance his `sub` at Home reads like the account of Alice. */
mtype = { Alice, Mallory, account_of_Alice, account_of_Mallory };
/* Issuers: Home is honest; RoomsAuth lists it, and EvilHome, the attacker's, for users of its own. It has never heard of Stranger. */
mtype = { Home, EvilHome, Stranger };
/* Agents, and services in the middle. Both users call with App, which is honest. */
mtype = { App, Eve, Calendar, EvilService };
mtype = { reading, writing };
mtype = { only_own_keys, listed_issuer, caller_was_called, no_widening, no_party_twice, true_origin, right_user, user_agreed };

/* §5: an upstream token. `inner` is the agent of the `act` that it has already; `limited` stands for its `constraints`. */
typedef Upstream { mtype signer; mtype iss; mtype aud; mtype agent; mtype inner; mtype sub; mtype scope; bool limited }

/* The exchange that waits for its user, if any: by whom, and for what. Any later one takes its place. */
Upstream up;
mtype middle = nobody, wanted = nobody;
bool waits;

/* §7: to which account here a user of an issuer is linked. */
mtype link_Home_Alice, link_Home_Mallory, link_EvilHome_Alice, link_EvilHome_Mallory;

/* What Alice has agreed to here, and what is remembered: App as the first agent, by middle and scope, for calls with tokens of Home. */
typedef Memory { bool calendar_reading; bool calendar_writing; bool evil_reading }
Memory home;

/* Who the browser of Alice is at Home: a page of the attacker can sign it in as Mallory. */
mtype browser_of_Alice_at_Home = Alice;

/* The account for which Calendar got its last token, and the user whose call that was for. */
mtype cached_user = nobody;

/* Local to a step. */
mtype account = nobody, named = nobody, cnf_of = nobody, act_agent = nobody, act_inner = nobody;
bool kept_limit;

/* Any token that was ever issued is known to the attacker. */
inline some_token() {
  up.signer = Home; up.iss = Home; up.aud = Calendar; up.agent = App; up.inner = nobody; up.sub = Alice; up.scope = writing; up.limited = false;
  if
  :: skip
  :: up.agent = Eve; up.scope = reading
  :: up.aud = EvilService; up.scope = reading
  :: up.aud = EvilService; up.agent = nobody; up.scope = nobody
  :: up.sub = Mallory
  :: up.sub = nobody; up.scope = reading
  :: up.sub = Mallory; up.agent = Eve; CHOOSE2(up.scope, reading, writing); CHOOSE2(up.aud, Calendar, EvilService); CHOOSE2(up.limited, true, false)
  :: up.sub = Mallory; up.agent = EvilService; up.scope = reading; CHOOSE2(up.inner, Eve, Calendar)
  :: up.signer = EvilHome; up.iss = EvilHome; CHOOSE2(up.sub, Alice, Mallory); CHOOSE2(up.aud, Calendar, EvilService); CHOOSE2(up.agent, App, Eve)
  :: up.signer = Stranger; up.iss = Stranger; up.sub = Mallory; up.aud = EvilService; up.agent = Eve
  :: up.signer = Eve; up.aud = EvilService
  fi
}

/* The rules of RoomsAuth: what an upstream scope gives here, at most. For EvilService and for users of EvilHome that is reading. */
#define ruled ((up.iss == Home || up.iss == EvilHome) && up.scope != nobody && \
  (wanted == reading || (up.scope == writing && up.iss == Home && middle == Calendar)))

/* §7, the checks of an exchange in their order; those of the resource token are in the model of authorization. */
#define exchangeable ( \
  KEEP(trust_upstream, up.iss != Stranger) && \
  KEEP(exchange_upstream_signature, up.signer == up.iss) && \
  KEEP(exchange_upstream_aud, up.aud == middle) && \
  KEEP(exchange_upstream_mandate, up.agent != nobody && up.scope != nobody) && \
  KEEP(exchange_rule, ruled) && \
  KEEP(exchange_chain, up.agent != middle && up.inner != middle) && \
  KEEP(exchange_no_user, up.sub != nobody))

#define linked_to(iss_, sub_) ( \
  (iss_ == Home && sub_ == Alice) -> link_Home_Alice : ((iss_ == Home && sub_ == Mallory) -> link_Home_Mallory : ( \
  (iss_ == EvilHome && sub_ == Alice) -> link_EvilHome_Alice : ((iss_ == EvilHome && sub_ == Mallory) -> link_EvilHome_Mallory : nobody))))

/* §7 "Whose user is it?": the account that the upstream user is here. */
inline account_here() {
  account = linked_to(up.iss, up.sub);
  if
  :: AWAY(exchange_sub) && up.iss == Home && up.sub == Mallory -> account = account_of_Alice
  :: AWAY(token_user) && account == nobody -> account = linked_to(Home, up.sub)
  :: else
  fi
}

inline link_up(to) {
  if
  :: up.iss == Home && up.sub == Alice -> link_Home_Alice = to
  :: up.iss == Home && up.sub == Mallory -> link_Home_Mallory = to
  :: up.iss == EvilHome && up.sub == Alice -> link_EvilHome_Alice = to
  :: up.iss == EvilHome && up.sub == Mallory -> link_EvilHome_Mallory = to
  :: else
  fi;
  printf("STEP RoomsAuth links %e at %e to %e.\n", up.sub, up.iss, to)
}

#define in_memory(m) ((middle == Calendar && wanted == reading && m.calendar_reading) || \
  (middle == Calendar && wanted == writing && m.calendar_writing) || (middle == EvilService && wanted == reading && m.evil_reading))
/* What Alice has said yes to: this middle, this scope, this issuer, and App as the only agent before. */
#define agreed (up.agent == App && up.inner == nobody && up.iss == Home && in_memory(home))
#define remembered (agreed || (AWAY(consent_remembered_chain) && in_memory(home)))

/*
 * §7 "The token that it issues", and its use at Rooms. Tokens are no secrets, so it is used by the middle, or by the upstream agent if the
 * key is that of the agent. `said_yes`: Alice has just agreed to this very exchange.
 */
inline issues(said_yes) {
  cnf_of = middle; act_agent = up.agent; act_inner = up.inner; kept_limit = up.limited;
  if :: AWAY(exchange_issued) -> cnf_of = up.agent :: else fi;
  if :: AWAY(exchange_act) -> act_agent = nobody; act_inner = nobody :: else fi;
  if :: AWAY(policy_narrow) -> kept_limit = false :: else fi;
  printf("STEP RoomsAuth issues a token to %e, for %e: %e, in a call of %e.\n", middle, account, wanted, up.agent);
  PROPERTY(listed_issuer, up.iss != Stranger);
  PROPERTY(caller_was_called, up.signer == up.iss && up.aud == middle && up.scope != nobody);
  PROPERTY(no_widening, wanted == reading || (up.scope == writing && up.iss == Home && middle == Calendar));
  PROPERTY(no_party_twice, up.agent != middle && up.inner != middle);
  PROPERTY(right_user, (account == account_of_Alice) == (up.iss == Home && up.sub == Alice));
  PROPERTY(user_agreed, account != account_of_Alice || agreed || said_yes);
  /* §5, at Rooms: the key, who it is told that acts, and the conditions. */
  if
  :: printf("STEP Rooms is called under it by %e, and told that %e acts for %e.\n", cnf_of, middle, act_agent);
     PROPERTY(only_own_keys, cnf_of == middle);
     PROPERTY(true_origin, act_agent == up.agent && act_inner == up.inner)
  :: !kept_limit ->
     printf("STEP Rooms carries out for %e what only a token without conditions allows.\n", middle);
     PROPERTY(no_widening, !up.limited)
  fi;
  if :: middle == Calendar && account == account_of_Alice && up.agent == App && wanted == writing && !said_yes -> COMPLETES(1) :: else fi;
  if :: middle == EvilService && account == account_of_Mallory -> COMPLETES(2) :: else fi;
  if :: AWAY(exchange_cached) && middle == Calendar -> cached_user = account :: else fi;
  cnf_of = nobody; act_agent = nobody; act_inner = nobody; kept_limit = false
}

inline forget() {
  up.signer = nobody; up.iss = nobody; up.aud = nobody; up.agent = nobody; up.inner = nobody; up.sub = nobody; up.scope = nobody;
  up.limited = false; middle = nobody; wanted = nobody; waits = false
}

active proctype world() {
  atomic {
    link_Home_Alice = nobody; link_Home_Mallory = nobody; link_EvilHome_Alice = nobody; link_EvilHome_Mallory = nobody; forget()
  }
  do
  /*
   * A service is called and challenged, and exchanges. Calendar is honest: it does so only with a token that it was called with, and that
   * it has checked. EvilService uses any token. RoomsAuth answers at once where it knows user and yes, else the user must come.
   */
  :: atomic { forget(); some_token(); CHOOSE2(middle, Calendar, EvilService); CHOOSE2(wanted, reading, writing);
       if
       :: (middle == EvilService || (up.aud == Calendar && up.signer == up.iss && up.iss != Stranger && up.scope != nobody)) && exchangeable ->
            printf("STEP %e exchanges a token of %e for %e, which %e calls it with: for %e.\n", middle, up.iss, up.sub, up.agent, wanted);
            account_here();
            if
            :: account == account_of_Alice && remembered -> issues(false); forget()
            :: account == account_of_Mallory -> issues(false); forget()
            :: else -> waits = true
            fi
       :: else -> forget()
       fi;
       account = nobody }

  /* Without `exchange.own-key` the key of the upstream agent counts for the middle; the resource token is bound to the key of Calendar. */
  :: atomic { AWAY(exchange_own_key) -> forget(); some_token();
       middle = Calendar; wanted = reading;
       if
       :: up.aud == Calendar && up.agent == Eve && exchangeable && KEEP(auth_resource_token_jkt, false) ->
            printf("STEP Eve signs an exchange in the name of Calendar, with the key of the token of %e for %e.\n", up.iss, up.sub);
            PROPERTY(only_own_keys, false)
       :: else
       fi;
       forget() }
  /* A page of the attacker signs the browser of Alice in at Home, as Mallory. */
  :: atomic { browser_of_Alice_at_Home == Alice -> browser_of_Alice_at_Home = Mallory;
       printf("STEP A page of the attacker signs the browser of Alice in at Home, as Mallory.\n") }

  /* §7, link sign-in and consent, in the browser of Alice: she follows any link. */
  :: atomic { waits -> account_here();
       if
       :: account == nobody && up.sub != nobody ->
            /* Who this browser is at the upstream issuer: EvilHome says what the attacker wants. */
            if :: up.iss == Home -> named = browser_of_Alice_at_Home :: else -> named = up.sub fi;
            printf("STEP Alice, signed in at RoomsAuth, signs in at %e, which says that she is %e.\n", up.iss, named);
            if
            :: KEEP(link_same_user, named == up.sub) && KEEP(link_asks, up.iss == Home && named == Alice) -> link_up(account_of_Alice)
            :: else
            fi
       :: account == account_of_Alice || (account == nobody && up.sub == nobody) ->
            /* The page names the middle, the first agent and the scope. She says yes where App is the agent, or none is named. */
            if
            :: up.agent == App || up.agent == nobody ->
                 printf("STEP Alice says yes to %e, called by %e: %e.\n", middle, up.agent, wanted);
                 account = account_of_Alice;
                 if
                 :: up.iss == Home && middle == Calendar && wanted == reading && up.agent == App -> home.calendar_reading = true
                 :: up.iss == Home && middle == Calendar && wanted == writing && up.agent == App -> home.calendar_writing = true
                 :: up.iss == Home && middle == EvilService && wanted == reading && up.agent == App -> home.evil_reading = true
                 :: else
                 fi;
                 issues(true); forget()
            :: else
            fi
       :: else
       fi;
       account = nobody; named = nobody }

  /* The same in the browser of Mallory, who says yes to everything. */
  :: atomic { waits -> account_here();
       if
       :: account == nobody && up.sub != nobody ->
            if :: up.iss == Home -> named = Mallory :: else -> named = up.sub fi;
            printf("STEP Mallory, signed in at RoomsAuth, signs in at %e, which says that he is %e.\n", up.iss, named);
            if
            :: up.iss == Stranger -> account = account_of_Mallory; issues(true); forget()
            :: up.iss != Stranger && KEEP(link_same_user, named == up.sub) -> link_up(account_of_Mallory)
            :: else
            fi
       :: account == nobody && up.sub == nobody -> account = account_of_Mallory; issues(true); forget()
       :: else
       fi;
       account = nobody; named = nobody }

  /* §7: Calendar keeps what it exchanged for one token, and uses it for that one alone. */
  :: atomic { AWAY(exchange_cached) && cached_user != nobody -> forget(); some_token();
       if
       :: up.aud == Calendar && up.signer == Home && up.agent == App && up.sub != nobody ->
            printf("STEP Calendar is called for %e, and uses its token for %e.\n", up.sub, cached_user);
            account = cached_user;
            PROPERTY(right_user, (account == account_of_Alice) == (up.sub == Alice))
       :: else
       fi;
       forget(); account = nobody }
  od
}
