// URLPattern, a part of the core (core/lazy.c).
export { URLPattern } from "urlpattern-polyfill/urlpattern";
