from django.urls import path, re_path

from push import views

urlpatterns = [
    path("orders/", views.orders, name="orders"),
    path("orders/<str:biz>/", views.order, name="order"),
    path("orders/<str:biz>/callback/", views.callback, name="callback"),
    re_path(r"^status/(?P<client_id>[A-Za-z0-9_-]{1,64})/?$", views.status, name="status"),
    re_path(r"^push/(?P<room_name>[^/]+)/stop/?$", views.stop_feed, name="stop-push"),
    re_path(r"^push/(?P<room_name>.+?)/?$", views.start_feed, name="push"),
]
