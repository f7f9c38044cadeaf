# An internal load balancer in front of two web servers, S3 through a gateway endpoint and SSM through an interface endpoint.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

data "aws_region" "here" {}

resource "aws_vpc" "app" {
  cidr_block           = "10.0.0.0/16"
  tags                 = { Name = "app" }
}

resource "aws_subnet" "web" {
  for_each          = { a = 1, b = 2 }
  vpc_id            = aws_vpc.app.id
  cidr_block        = cidrsubnet(aws_vpc.app.cidr_block, 8, each.value)
  availability_zone = "us-east-1${each.key}"
  tags              = { Name = "web-${each.key}" }
}

resource "aws_subnet" "endpoints" {
  vpc_id            = aws_vpc.app.id
  cidr_block        = "10.0.9.0/24"
  availability_zone = "us-east-1a"
  tags              = { Name = "endpoints" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.app.id
}

resource "aws_route_table_association" "web" {
  for_each       = aws_subnet.web
  subnet_id      = each.value.id
  route_table_id = aws_route_table.private.id
}

resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = aws_vpc.app.id
  ingress {
    protocol    = "tcp"
    from_port   = 80
    to_port     = 80
    cidr_blocks = [aws_vpc.app.cidr_block]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "client" {
  name   = "client"
  vpc_id = aws_vpc.app.id
}

resource "aws_security_group" "https" {
  name   = "https"
  vpc_id = aws_vpc.app.id
}

resource "aws_vpc_security_group_egress_rule" "endpoint" {
  security_group_id = aws_security_group.https.id
  cidr_ipv4         = aws_vpc.app.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "web" {
  security_group_id = aws_security_group.client.id
  cidr_ipv4         = "10.0.0.0/16"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id            = aws_security_group.client.id
  referenced_security_group_id = aws_security_group.https.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.client.id
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group_rule" "https" {
  type                     = "ingress"
  security_group_id        = aws_security_group.https.id
  source_security_group_id = aws_security_group.client.id
  protocol                 = "tcp"
  from_port                = 443
  to_port                  = 443
}

resource "aws_instance" "web" {
  for_each               = { web-1 = "a", web-2 = "b" }
  subnet_id              = aws_subnet.web[each.value].id
  private_ip             = cidrhost(aws_subnet.web[each.value].cidr_block, 10)
  vpc_security_group_ids = [aws_security_group.web.id]
  tags                   = { Name = each.key }
}

resource "aws_instance" "client" {
  subnet_id              = aws_subnet.web["a"].id
  private_ip             = "10.0.1.20"
  vpc_security_group_ids = [aws_security_group.client.id]
  tags                   = { Name = "client" }
}

resource "aws_lb" "inside" {
  name                             = "inside"
  internal                         = true
  load_balancer_type               = "network"
  subnets                          = [for subnet in aws_subnet.web : subnet.id]
  enable_cross_zone_load_balancing = true
}

resource "aws_lb_target_group" "web" {
  name     = "web"
  port     = 80
  protocol = "TCP"
  vpc_id   = aws_vpc.app.id
}

resource "aws_lb_target_group" "by_address" {
  name        = "by-address"
  port        = 80
  protocol    = "TCP"
  target_type = "ip"
  vpc_id      = aws_vpc.app.id
}

resource "aws_lb_target_group_attachment" "web" {
  for_each         = aws_instance.web
  target_group_arn = aws_lb_target_group.web.arn
  target_id        = each.value.id
}

resource "aws_lb_target_group_attachment" "by_address" {
  for_each         = toset(["10.0.1.10", "10.0.2.10"])
  target_group_arn = aws_lb_target_group.by_address.arn
  target_id        = each.key
}

resource "aws_lb_listener" "web" {
  load_balancer_arn = aws_lb.inside.arn
  port              = 80
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_lb_listener" "by_address" {
  load_balancer_arn = aws_lb.inside.arn
  port              = 8080
  protocol          = "TCP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.by_address.arn
  }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.app.id
  service_name    = "com.amazonaws.${data.aws_region.here.name}.s3"
  route_table_ids = [aws_route_table.private.id]
}

resource "aws_vpc_endpoint" "ssm" {
  vpc_id              = aws_vpc.app.id
  service_name        = "com.amazonaws.us-east-1.ssm"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = [aws_subnet.endpoints.id]
  security_group_ids  = [aws_security_group.https.id]
  private_dns_enabled = false
}
