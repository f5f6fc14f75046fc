// A page in a frame can't be measured from outside: it tells its height, and nothing else.
(() => {
  const tell = () => parent.postMessage({ reportgenHeight: Math.ceil(document.body.getBoundingClientRect().height) }, "*");
  new ResizeObserver(tell).observe(document.body);
  addEventListener("load", tell);
})();
